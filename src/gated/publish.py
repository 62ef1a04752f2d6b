"""Where users find a class: what its name is in messages and in pickles."""

from __future__ import annotations

from typing import Any


def publish(module: str, *things: Any) -> None:
    """Let classes and functions say that they are of a public module.

    A pickle names it and looks for them there: so it can still be read when the file behind has moved.
    """
    for each in things:
        each.__module__ = module
