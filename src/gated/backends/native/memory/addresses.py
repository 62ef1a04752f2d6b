"""Addresses of arrays, for machine code."""

from __future__ import annotations

from collections.abc import Mapping

from gated.addresses import Array, address_of

__all__ = ["Array", "address_of", "parameter_addresses"]


def parameter_addresses(parameters: Mapping[str, Array]) -> tuple[int, ...]:
    """Of every array in order. A mapping that knows them says so by an attribute `addresses`."""
    known: tuple[int, ...] | None = getattr(parameters, "addresses", None)
    return tuple([address_of(array) for array in parameters.values()]) if known is None else known
