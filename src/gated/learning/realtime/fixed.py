"""Attributes that stay as they are from the beginning on."""

from __future__ import annotations

from typing import Any

from gated.errors import ArgumentError, describe


class Fixed:
    """An attribute that is set once, when the object is made; it can be read, and another one is refused."""

    def __init__(self, instead: str) -> None:
        self.instead = instead  # what to do to have another

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self
        try:
            return owner.__dict__[self.name]
        except KeyError:
            raise AttributeError(f"{kind.__name__ if kind else owner!r} has no {self.name} yet") from None

    def __set__(self, owner: Any, value: Any) -> None:
        if self.name in owner.__dict__:
            came = f"{describe(value)} for one that is made"
            raise ArgumentError(f"{self.name}: got {came}, expected no other than it was made with: {self.instead}")
        owner.__dict__[self.name] = value
