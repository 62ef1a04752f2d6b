"""The running numbers of a run that its metrics need and a checkpoint keeps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from gated.errors import FileFormatError

OLD = {"nats": "total", "characters": "weight"}  # as runs of language models once called them


@dataclass
class Records:
    """See the module.

    Attributes:
        total, weight: the sum of weighted losses, and of the weights, since the last line.
        seconds: of training and validation so far, over all sessions.
        best, best_step: the best value that decides, and the update after which it came.
        latest: the last one.
        waited: validations since the best one.
        ended: why the run ended before its last update; None if it did not.
    """

    total: float = 0.0
    weight: float = 0.0
    seconds: float = 0.0
    best: float | None = None
    latest: float | None = None
    best_step: int | None = None
    waited: int = 0
    ended: str | None = None

    def loss(self) -> float:
        """The mean of the losses since the last line."""
        return self.total / self.weight

    def clear(self) -> None:
        """A line has been written."""
        self.total = self.weight = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Any) -> Records:
        """The inverse, of older runs too.

        Raises:
            FileFormatError: it is something else.
        """
        known = {field.name: field.default for field in fields(cls)}
        if isinstance(saved, dict):
            saved = {OLD.get(name, name): value for name, value in saved.items()}
        needed = {"total", "weight", "seconds", "best", "latest"}
        if not isinstance(saved, dict) or not needed <= saved.keys() <= known.keys():
            raise FileFormatError("records: got something damaged in the checkpoint, expected running numbers")
        for name, value in saved.items():
            if name == "ended":
                fits = value is None or isinstance(value, str)
            elif name in ("best_step", "waited"):
                fits = value is known[name] is None or (type(value) is int and 0 <= value < 2**53)
            else:  # what is None at first may be None
                fits = value is known[name] is None or is_number(value)
            if not fits:
                raise FileFormatError("records: got something damaged in the checkpoint, expected running numbers")
        return cls(**saved)


def is_number(value: Any) -> bool:
    """Whether it is a finite number that metrics and checkpoints may hold."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -(2**53) < value < 2**53
