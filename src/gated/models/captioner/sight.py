"""How pictures in files are seen: by the bank of filters or by the user's vision model, which a captioner remembers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gated.data import Pictures, kept_features, onnx_features
from gated.data.feature_cache import file_digest
from gated.data.pictures import FITS
from gated.errors import ArgumentError, FileFormatError, describe, shown
from gated.models.captioner.eye import Filters, Progress


@dataclass(frozen=True)
class Sight:
    """What it takes to see another picture in the same way.

    Args:
        fit: how others than squares become one, see `gated.data.Pictures`.
        vision: where the ONNX model lay, an absolute path; None: the bank of filters sees.
        sha256: of that model.
    """

    fit: str
    vision: str | None = None
    sha256: str | None = None

    @classmethod
    def by(cls, fit: str, vision: str | None) -> Sight:
        """Of a model that is there. Raises ArgumentError if it is not."""
        if vision is None:
            return cls(fit)
        if not os.path.isfile(vision):
            raise ArgumentError(f"vision: got {describe(vision)}, which is no file, expected an ONNX model")
        return cls(fit, os.path.abspath(vision), file_digest(vision))

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Sight | None:
        """What a captioner remembers; None: it was given features or scenes.

        Raises:
            FileFormatError: it is something else.
        """
        data = about.get("sight")
        if data is None:
            return None
        texts = isinstance(data, dict) and all(value is None or isinstance(value, str) for value in data.values())
        if not texts or data.keys() != {"fit", "vision", "sha256"} or data["fit"] not in FITS:
            raise FileFormatError("about: got something damaged under 'sight', expected how pictures are seen")
        if (data["vision"] is None) != (data["sha256"] is None):
            raise FileFormatError("about: got half of a vision model under 'sight', expected its path and SHA-256")
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """What `of` takes."""
        return asdict(self)

    def features(self, pictures: Pictures, progress: Progress) -> NDArray[np.float32]:
        """(N, D) or (N, P, D) of many pictures, kept on disk.

        Raises:
            ArgumentError, FileFormatError, MissingExtraError: see `gated.data.kept_features`.
        """
        if self.vision is not None:
            return kept_features(pictures, self.vision, fit=self.fit, progress=progress)
        filters = Filters()
        sized = pictures.sized(filters.size, self.fit)
        return kept_features(sized, size=filters.size, grid=filters.grid, progress=progress)

    def see(self, picture: str, vision: str | None = None) -> NDArray[np.float32]:
        """(1, D) or (1, P, D) of one picture.

        Args:
            picture: its path.
            vision: where the model lies now; None: where it lay.

        Raises:
            ArgumentError: no such picture; no model, or another one.
            FileFormatError: the picture is damaged.
        """
        if not os.path.isfile(picture):
            raise ArgumentError(f"picture: got {picture!r}, which is no file, expected a picture such as a PNG file")
        model = self._model(vision)
        if model is not None:
            return onnx_features(model, Pictures([Path(picture)], fit=self.fit), fit=self.fit)
        filters = Filters()
        return np.asarray(filters.see(Pictures([Path(picture)], filters.size, fit=self.fit)[:]), np.float32)

    def _model(self, path: str | None) -> str | None:
        if self.vision is None or self.sha256 is None:
            if path is not None:
                raise ArgumentError(f"vision: got {path!r}, but the bank of filters saw what it learned from: leave it")
            return None
        where = self.vision if path is None else path
        wanted = f"{shown(self.vision, 150)} (SHA-256 {shown(self.sha256, 64)})"
        if not os.path.isfile(where):
            raise ArgumentError(f"vision: got no file at {where!r}, expected the model that it learned with, {wanted}")
        digest = file_digest(where)
        if digest != self.sha256:
            raise ArgumentError(f"vision: got {where!r} (SHA-256 {digest}), expected {wanted}, which it learned with")
        return where
