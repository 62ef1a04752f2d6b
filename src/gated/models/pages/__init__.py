"""What the report pages of all models share: the page itself, charts as SVG, keys to their colours, how gates moved.

A page is one HTML file; nothing is loaded from elsewhere, nothing runs in it. English or Chinese, by day and by night.
"""

from gated.models.pages.chart import Chart
from gated.models.pages.frame import dim, facts, head, page, share, source
from gated.models.pages.gates import moved
from gated.models.pages.pictures import heat, key, lines, swatch

__all__ = ["Chart", "dim", "facts", "head", "heat", "key", "lines", "moved", "page", "share", "source", "swatch"]
