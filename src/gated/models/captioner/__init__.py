"""Captions of pictures: what is seen, in words, by any cell. See `Captioner`.

The files, each of which imports only those above it:

    network, names           the layers; the names that a course assignment has for their gradients
    eye, batches, writing    what is seen; pairs of pictures and captions; beam search
    captioner                all of it together: learns, writes, is a file
    report                   a page about drawn scenes, and the pieces of such pages
    caption_settings         what all runs in folders are asked for
    caption_run              what they do
    scene_settings, _run     those on drawn scenes
    data_settings, sight     those on the user's own pictures: what is asked for; how pictures are seen
    caption_data             these pictures, read and split
    neighbours               the picture that looks most alike
    data_run, data_report    the run and its page
"""

from __future__ import annotations

from gated.models.captioner.captioner import Captioner
from gated.models.captioner.writing import beam_search
from gated.publish import publish

publish("gated.models.captioner", Captioner)

__all__ = ["Captioner", "beam_search"]
