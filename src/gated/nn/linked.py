"""What a network is to a backend that runs whole passes: a `Chain`, with the layers' names beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gated.backends import backend_of
from gated.backends.whole_step import Chain, Link, ScanLink
from gated.nn.layer import Layer

# what links do not tell, if a subclass has its own
NAMED = ("forward", "backward", "forward_owned", "infer", "stream", "parts")


@dataclass(frozen=True, eq=False)
class Linked:
    """A network's chain.

    Attributes:
        scans: layers that have a state, by name -> the numbers of their links, lowest first.
    """

    chain: Chain
    scans: dict[str, list[int]]


def linked(network: Any) -> Linked | str:
    """The chain of a network, or why it has none: what part of it says itself what it computes."""
    links: list[Link] = []
    scans: dict[str, list[int]] = {}
    if reason := _own_call(network):
        return f"the network {reason}"
    for name, layer, start in network.parts():
        own = links_of(layer, start)
        if isinstance(own, str):
            return f"layer {name!r} {own}"
        if links and len(getattr(layer, "input_columns", ())) > 1:
            return f"layer {name!r} has inputs besides the output before it"
        found = [len(links) + k for k, link in enumerate(own) if isinstance(link, ScanLink)]
        if found:
            scans[name] = found
        links += own
    return Linked(Chain.of(links, network.theta.size, network.dtype), scans)


def explain(network: Any) -> str:
    """Line by line what of a step of training is machine code, and why the rest is not. See `Network.explain`."""
    found = network.linked
    if isinstance(found, Linked):
        head = "a step of training is one call of machine code, if loss and optimizer are gated's own"
    else:
        head = f"a step of training is made part by part: {found}"
    lines = [head]
    for name, layer, start in network.parts():
        own = links_of(layer, start)
        lines.append(f"  {name}: {own if isinstance(own, str) else 'machine code'}")
    return "\n".join(lines)


def links_of(layer: Any, start: int) -> Sequence[Link] | str:
    """A layer's links, or why it has none."""
    if not isinstance(layer, Layer):
        return "is somebody's own"
    if reason := _own_call(layer):
        return reason
    if getattr(backend_of(layer), "name", "") != "native":
        return f"has backend={layer.backend_name!r}"
    found = layer.links(start)
    return "says itself what it computes" if found is None else found


def _own_call(layer: Any) -> str:
    """Why a layer's links would not tell what it does: a class below the one that wrote them has another call."""
    for kind in type(layer).__mro__:
        own = vars(kind)
        if "links" in own:
            break
        for name in NAMED:
            if name in own:
                return f"has {'an' if name == 'infer' else 'a'} {name} of its own"
    changed = [name for name in NAMED if name in vars(layer)]
    return f"has a {changed[0]} of its own" if changed else ""
