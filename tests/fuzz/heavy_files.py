"""Files that are small for what they ask of a reader: {name: (kind of file, whole file -> heavy one)}."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def _header(whole: bytes) -> tuple[dict[str, Any], bytes]:
    size = int.from_bytes(whole[:8], "little")
    return json.loads(whole[8 : 8 + size]), whole[8 + size :]


def _file(header: dict[str, Any], numbers: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def _with_document(name: str, text: str) -> Callable[[bytes], bytes]:
    def made(whole: bytes) -> bytes:
        header, numbers = _header(whole)
        header["__metadata__"][name] = text
        return _file(header, numbers)

    return made


def _empty_arrays(whole: bytes) -> bytes:
    header, numbers = _header(whole)
    end = max(part["data_offsets"][1] for name, part in header.items() if name != "__metadata__")
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [end, end]}
    return _file(header | {f"a{k}": empty for k in range(180_000)}, numbers)


def lists(length: int) -> str:
    return "[" + ",".join(["[]"] * (length // 3)) + "]"


HEAVY: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "lists-nobody-asks-for": ("network", _with_document("other", lists(15_000_000))),
    "lists-beyond-any-header": ("network", _with_document("other", lists(33_000_000))),
    "lists-in-the-note": ("network", _with_document("note", lists(15_000_000))),
    "lists-that-may-be": ("network", _with_document("note", lists(1_500_000))),
    "lists-in-the-vocabulary": ("model", _with_document("vocabulary", lists(3_900_000))),
    "lists-in-the-values": ("checkpoint", _with_document("values", lists(3_900_000))),
    "objects-in-the-description": ("network", _with_document("network", lists(3_900_000).replace("[]", "{}"))),
    "arrays-without-numbers": ("network", _empty_arrays),
}
