"""Where users find a class: what its name is in messages and in pickles."""

from __future__ import annotations


def publish(module: str, *classes: type) -> None:
    """Let classes say that they are of a public module.

    A pickle names it and looks for the class there: so it can still be read when the file behind has moved.
    """
    for each in classes:
        each.__module__ = module
