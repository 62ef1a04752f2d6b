"""What the pictures of all experiments share: a figure without a window, colours that the colour-blind tell apart."""

from __future__ import annotations

from gated.learning.training.figures import COLOURS, new_figure, png

__all__ = ["COLOURS", "MARKERS", "new_figure", "png", "style"]

MARKERS = "osD^vPX"


def style(index: int) -> dict[str, str]:
    """Colour and marker of the index-th thing that is drawn; both differ, for those who see one of them only."""
    return {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}
