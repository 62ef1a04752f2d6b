"""The kinds of layers that are known: those of gated, and whichever a module that has been imported defines.

A class makes itself known when it is defined: `class Residual(Layer, kind="residual")`. By its kind a description, in a
file or elsewhere, says which class is to be made; nothing else of a file chooses what runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gated.errors import FileFormatError, describe, shown, wrong, wrong_type

if TYPE_CHECKING:
    from gated.nn.layer import Layer

KINDS: dict[str, type[Layer]] = {}
TIED = "tied"  # in the place of a kind: the layer is one that stands before it
NEEDED = ("forward", "backward", "config", "from_config", "claims")


def know(kind: Any, layer: type[Layer]) -> None:
    """The class for descriptions of this kind.

    A class that is defined again (in a notebook) takes the place of the one before.

    Raises:
        ArgumentError, ArgumentTypeError: a name that is no text or is taken, a class that lacks something.
    """
    if not isinstance(kind, str) or not kind:
        raise wrong_type("kind", describe(kind), "a text such as 'residual'")
    other = KINDS.get(kind)
    if kind == TIED or (other is not None and _place(other) != _place(layer)):
        taken = "what a layer is that comes again" if other is None else f"that of {'.'.join(_place(other))}"
        raise wrong("kind", f"{shown(repr(kind), 60)}, {taken}", "another name")
    missing = [name for name in NEEDED if not hasattr(layer, name)]
    if missing:
        raise wrong_type("kind", f"a class {layer.__name__} without {', '.join(missing)}", "one that has them")
    KINDS[kind] = layer


def _place(layer: type[Any]) -> tuple[str, str]:
    return layer.__module__, layer.__qualname__


def expected_kinds(kind: Any) -> str:
    """What to write, or to do, where this kind is not known."""
    own = f", or first an import of the module that defines it (with kind={shown(repr(kind), 40)})"
    return f"expected {', '.join(KINDS)}{own}"


def layer_of(config: Mapping[str, Any]) -> Layer:
    """A new layer by its description, `layer.config()`; no code of the description is run.

    Raises:
        FileFormatError: not a description, or of a kind that is not known.
        ArgumentError, ArgumentTypeError: what the kind refuses.
    """
    kind = config.get("kind") if isinstance(config, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise FileFormatError(f"layer: got the kind {shown(repr(kind), 40)}, {expected_kinds(kind)}")
    return KINDS[kind].from_config(config)
