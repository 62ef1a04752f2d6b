"""An audit as a page: for the terminal, and as one HTML file with formulas and a picture.

words      what stands on both, English and Chinese
terminal   lines with their styles: plain, or in colours by rich
html       one file; style: its look
mathml     formulas in the derivation's notation, as browsers set them
drawing    the roads of the gradient as an SVG picture, what is wrong in red
"""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
