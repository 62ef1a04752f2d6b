"""The layers of a network, as it shows them: to be read, not to be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from gated.errors import ArgumentTypeError, shown


class NetworkLayers(Mapping[str, Any]):
    """Name -> layer, in order. The layers' parameters lie in one vector: none can be exchanged alone.

    A copy, or what `|` gives, is a plain dict.

    Raises:
        ArgumentTypeError: somebody assigns to it, deletes from it, updates it.
    """

    def __init__(self, layers: Mapping[str, Any]) -> None:
        self._layers = layers

    def __getitem__(self, name: str) -> Any:
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**self, **other}

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**other, **self}

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self._layers),)

    def __repr__(self) -> str:
        return f"<layers {dict(self._layers)!r}>"

    def refuse(self, what: str) -> NoReturn:
        raise ArgumentTypeError(
            f"layers: got {what}, but the parameters of a network lie in one vector, expected another network: "
            "gated.Network({**copy.deepcopy(network.layers), 'head': layer})"
        )

    def __setitem__(self, name: Any, layer: Any) -> NoReturn:
        self.refuse(f"another layer {shown(repr(name), 40)}")

    def __delitem__(self, name: Any) -> NoReturn:
        self.refuse(f"the end of the layer {shown(repr(name), 40)}")

    def __ior__(self, other: Any) -> NoReturn:  # type: ignore[misc]
        self.refuse("other layers")

    def _changed(self, *_: Any, **__: Any) -> NoReturn:
        self.refuse("other layers")

    update = setdefault = pop = popitem = clear = _changed
