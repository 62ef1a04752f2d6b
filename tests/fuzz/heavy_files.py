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


def _nested(count: int, seed: int) -> dict[str, Any]:
    """A cell of so many operations, another one for each seed."""
    rows: list[Any] = [["leaf", ["state", "h"], "hidden", []], ["constant", 1.0 + seed, "1", []]]
    rows.append(["call", "mul", "hidden", [0, 1]])
    rows += [["call", "tanh", "hidden", [2 + k]] for k in range(count - 3)]
    return {
        "format": 1, "name": "nested", "doc": "", "inputs": ["x"], "states": ["h"], "output_names": ["h"],
        "outputs": [len(rows) - 1], "parameters": {}, "dims": {"x": "input", "h": "hidden"}, "nodes": rows, "names": [],
    }  # fmt: skip


def _description(layers: int, nodes: int, networks: int = 1) -> Callable[[bytes], bytes]:
    def made(_: bytes) -> bytes:
        sizes = {"kind": "recurrent", "input_size": 1, "hidden_size": 1}
        inner = [[f"l{k}", {**sizes, "cell": _nested(nodes, k)}] for k in range(layers)]
        if networks > 1:
            inner = [[f"n{k}", {"kind": "network", "layers": inner}] for k in range(networks)]
        return json.dumps({"kind": "network", "layers": inner}).encode()

    return made


def _corpus(path: str) -> Callable[[bytes], bytes]:
    def made(whole: bytes) -> bytes:
        config = json.loads(whole)
        config["settings"]["corpus"] = path
        return json.dumps(config).encode()

    return made


HEAVY: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "lists-nobody-asks-for": ("network", _with_document("other", lists(15_000_000))),
    "lists-beyond-any-header": ("network", _with_document("other", lists(33_000_000))),
    "lists-in-the-note": ("network", _with_document("note", lists(15_000_000))),
    "lists-that-may-be": ("network", _with_document("note", lists(1_500_000))),
    "lists-in-the-vocabulary": ("model", _with_document("vocabulary", lists(3_900_000))),
    "lists-in-the-values": ("checkpoint", _with_document("values", lists(3_900_000))),
    "objects-in-the-description": ("network", _with_document("network", lists(3_900_000).replace("[]", "{}"))),
    "a-hundred-long-cells": ("description", _description(95, 1024)),
    "networks-of-long-cells": ("description", _description(6, 1024, 15)),
    "a-long-cell": ("description", _description(1, 1024)),
    "a-text-without-end": ("config", _corpus("/dev/zero")),
    "a-text-of-random-bytes-without-end": ("config", _corpus("/dev/urandom")),
    "arrays-without-numbers": ("network", _empty_arrays),
}
