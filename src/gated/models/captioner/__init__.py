"""Captions of pictures: what is seen, in words, by any cell. See `Captioner`."""

from __future__ import annotations

from gated.models.captioner.captioner import Captioner
from gated.models.captioner.writing import beam_search
from gated.publish import publish

publish("gated.models.captioner", Captioner)

__all__ = ["Captioner", "beam_search"]
