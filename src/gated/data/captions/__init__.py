"""Captioned pictures as others keep them: read when they are asked for, split, in minibatches.

    CaptionSet         pictures, their captions, their features; `split`, `batches`
    coco_captions      COCO's captions_*.json with a folder of images
    captioned_folder   name.png beside name.txt; texts in many languages, as Tux Paint's stamps have them
    CourseCaptions     the folder coco_captioning of the course CS231n, which is never wholly in memory

The files, each of which imports only those above it:

    rows           rows of an array that lies on disk
    splitting      which pictures belong together
    caption_set    the set
    coco, folder   it is read
    course         the course's
"""

from __future__ import annotations

from gated.data.captions.caption_set import CaptionBatch, CaptionSet
from gated.data.captions.coco import coco_captions
from gated.data.captions.course import CourseBatch, CourseCaptions
from gated.data.captions.folder import captioned_folder
from gated.publish import publish

publish("gated.data.captions", CaptionBatch, CaptionSet, CourseBatch, CourseCaptions)

__all__ = ["CaptionBatch", "CaptionSet", "CourseBatch", "CourseCaptions", "captioned_folder", "coco_captions"]
