"""The sizes at which everything is measured.

Legend: T steps, N sequences, D inputs, H hidden units; D = H throughout.
"""

from __future__ import annotations

from dataclasses import dataclass


class UsageError(Exception):
    """What the command line asks for cannot be done; the message is one line."""


@dataclass(frozen=True, order=True)
class Point:
    """One size of a problem."""

    steps: int
    batch: int
    hidden: int

    def __str__(self) -> str:
        return f"{self.steps}x{self.batch}x{self.hidden}"

    @staticmethod
    def parse(text: str) -> Point:
        """`100x1x64` is T = 100, N = 1, D = H = 64.

        Raises:
            UsageError: it is not three positive whole numbers.
        """
        words = text.strip().split("x")
        if len(words) != 3 or not all(word.isdigit() and int(word) > 0 for word in words):
            raise UsageError(f"--points: got {text!r}, expected TxNxH such as 100x1x64, several with commas between")
        return Point(*map(int, words))


GRID = tuple(
    Point(*sizes)
    for sizes in (
        (100, 1, 64),
        (100, 1, 128),
        (100, 16, 64),
        (1000, 8, 64),
        (100, 7, 100),
        (100, 32, 128),
        (100, 64, 256),
        (50, 64, 512),
        (50, 64, 1024),
    )
)
QUICK = (GRID[0], GRID[4], GRID[6])
ONLINE = tuple(Point(*sizes) for sizes in ((100, 1, 8), (100, 1, 32), (100, 1, 64), (100, 4, 64), (100, 1, 128)))
UPDATE = tuple(Point(*sizes) for sizes in ((32, 16, 64), (128, 8, 128), (32, 32, 192), (64, 64, 256), (64, 32, 512)))
UPDATE_GRU = UPDATE_PEEPHOLE = Point(32, 32, 192)
UPDATE_WORDS = Point(32, 32, 256)
CAPTIONS = {120: Point(14, 32, 192), 1004: Point(17, 50, 512), 127: Point(30, 32, 256)}  # by the number of words
GRU_INFERENCE = (GRID[0], GRID[5], GRID[6])
BIDIRECTIONAL = (Point(100, 16, 64), Point(100, 32, 128))
SAMPLE = Point(2000, 1, 192)  # 2,000 symbols, one after the other
STREAM = Point(100, 1, 64)  # 100 steps are compared, one is timed
RAGGED = Point(100, 16, 64)  # at most so many steps and sequences
LARGE = 256  # from this hidden size on the arithmetic alone counts: rates are compared with the machine's sgemm
