"""Settings of a run as its config.json has them, for a run that goes on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, GatedError, describe, shown

Kind = TypeVar("Kind")


def saved_settings(
    kind: type[Kind], path: str, saved: Any, changes: Mapping[str, Any], changeable: Collection[str]
) -> Kind:
    """Those of a run, some of them changed.

    Args:
        kind: a dataclass that checks its fields when it is made.
        path: of the file, for messages.
        saved: what stands in it.
        changes: name -> what it is to be from now on.
        changeable: names of settings that shape neither the model nor what it learns from.

    Raises:
        FileFormatError: what is saved are no such settings.
        ArgumentError, ArgumentTypeError: a change of what is not changeable, or to what cannot be.
    """
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(saved, dict) or not set(saved) <= known:
        raise FileFormatError(f"{path!r}: got settings of another kind, expected those of a run")
    try:
        began = kind(**saved)
    except GatedError as error:
        raise FileFormatError(f"{path!r}: {shown(error, 200)}") from None
    for name, value in changes.items():
        if name not in known:
            raise ArgumentTypeError(f"{name}: got {describe(value)}, expected no such setting")
        if name not in changeable and value != getattr(began, name):
            came, first = (shown(repr(each), 60) for each in (value, getattr(began, name)))
            raise ArgumentError(f"{name}: got {came}, expected {first}, as the run began")
    return kind(**{**asdict(began), **changes})  # type: ignore[call-overload]
