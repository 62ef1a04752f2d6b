"""Mutants of a file: bytes, the header of a safetensors file, its JSON, the graphs and lengths in it, its arrays."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Rng = np.random.Generator
TENSORS = ("model", "words", "network", "online", "checkpoint")
RAW = {  # what json.dumps would not write
    "@nan@": "NaN",
    "@inf@": "-Infinity",
    "@large@": "1e999",
    "@digits@": "9" * 5000,
    "@4000 digits@": "7" * 4000,
    "@deep list@": "[" * 3000 + "]" * 3000,
    "@very deep@": "[" * 200_000,
    "@deep object@": '{"a":' * 2000 + "1" + "}" * 2000,
    "@surrogate@": "",  # see `_text`
}
NASTY: list[Any] = [
    None, True, False, -1, 0, 1, 2, 7, 10**5, 10**9, 2**31, 2**53, 2**63, 2**64, 10**30, -(10**30), 0.5, -0.0, 1e308,
    1e-320, 1.5e300, "", "x", "é", "漢字", "\x1b[2J\n\x00", "\u202e", "\ud800", "n" * 100_000, "input", "h", "W.i",
    "__class__", [], {}, [[]], [None], [0] * 10_000, {"a": 1}, {"": {}}, *RAW,
]  # fmt: skip


def mutant(rng: Rng, kind: str, whole: bytes) -> bytes:
    """One mutant of the file."""
    ways: list[Callable[[Rng, bytes], bytes]] = [_bytes]
    if kind in TENSORS:
        ways += [_header, _documents, _documents, _graph_in, _lengths_in, _arrays]
    elif kind == "metrics":
        ways += [_lines]
    else:
        ways += [_json]
        if kind in ("cell", "description"):
            ways += [_graph_in, _lengths_in]
    return _any(rng, ways)(rng, whole)


def _any(rng: Rng, found: list[Any]) -> Any:
    return found[rng.integers(len(found))]


# bytes


def _bytes(rng: Rng, whole: bytes) -> bytes:
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(whole) + 1)) if rng.random() < 0.5 else int(rng.integers(min(len(whole), 64) + 1))
        length = int(2 ** rng.uniform(0, 8))
        way = rng.integers(6)
        if way == 0:  # one byte is another
            whole = whole[:at] + bytes([rng.integers(256)]) + whole[at + 1 :]
        elif way == 1:
            whole = whole[:at] + whole[at + length :]
        elif way == 2:
            whole = whole[:at] + rng.bytes(length) + whole[at:]
        elif way == 3:
            whole = whole[:at]
        elif way == 4:  # a piece twice
            whole = whole[: at + length] + whole[at:]
        else:
            whole = whole[:at] + bytes(length) + whole[at + length :]
    return whole


# safetensors files


def _split(whole: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<Q", whole[:8])[0]
    return json.loads(whole[8 : 8 + length]), whole[8 + length :]


def _join(header: Any, numbers: bytes) -> bytes:
    text = _text(header)
    return struct.pack("<Q", len(text)) + text + numbers


def _header(rng: Rng, whole: bytes) -> bytes:
    header, numbers = _split(whole)
    if rng.random() < 0.2:  # its length
        text = json.dumps(header).encode()
        length = _any(rng, [0, 1, len(text) - 1, len(text) + 1, 10**8, 10**9, 2**63, 2**64 - 1])
        return struct.pack("<Q", length) + text + numbers
    return _join(_changed(rng, header), numbers)


def _documents(rng: Rng, whole: bytes) -> bytes:
    header, numbers = _split(whole)
    strings = header["__metadata__"]
    name = _any(rng, list(strings))
    try:
        value = json.loads(strings[name])
    except ValueError:
        value = strings[name]
    strings[name] = _text(_changed(rng, value)).decode()
    return _join(header, numbers)


def _arrays(rng: Rng, whole: bytes) -> bytes:
    header, numbers = _split(whole)
    names = [name for name in header if name != "__metadata__"]
    name = _any(rng, names)
    part = header[name]
    way = rng.integers(8)
    if way == 0:
        del header[name]
    elif way == 1:
        header[str(_any(rng, NASTY))[:200].replace("\ud800", "?")] = header.pop(name)
    elif way == 2:
        part["dtype"] = _any(rng, ["F64", "I64", "F32", "I32", "U8", "BOOL", "F16", "BF16", "F8_E4M3", "C64", "U64"])
    elif way == 3:
        part["shape"] = _any(rng, [[], [0, 2**62], [0] * 70, [2**32, 2**32], [-1], [1, *part["shape"]], [0]])
        part["shape"] = _any(rng, [part["shape"], [1] * int(rng.integers(70)) + part["shape"]])
    elif way == 4:  # one more, which is empty and has great lengths
        shape = [0, *(int(2 ** rng.uniform(0, 63)) for _ in range(rng.integers(4)))]
        header["more"] = {"dtype": part["dtype"], "shape": shape, "data_offsets": [len(numbers)] * 2}
    elif way == 5:
        other = header[_any(rng, names)]
        part["data_offsets"], other["data_offsets"] = other["data_offsets"], part["data_offsets"]
    elif way == 6:  # NaN, inf and the rest among the numbers
        odd = np.array(_any(rng, [np.nan, np.inf, -1e300, 1e-310, -1.0]), "f8").tobytes()
        at = int(rng.integers(max(len(numbers) // 8, 1))) * 8
        numbers = numbers[:at] + odd + numbers[at + 8 :]
    else:  # many more arrays, without a number
        empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
        header |= {f"more.{k}": empty for k in range(rng.integers(3000))}
    return _join(header, numbers)


# JSON


def _json(rng: Rng, whole: bytes) -> bytes:
    return _text(_changed(rng, json.loads(whole)))


def _lines(rng: Rng, whole: bytes) -> bytes:
    lines = whole.split(b"\n")
    at = int(rng.integers(len(lines)))
    way = rng.integers(4)
    if way == 0 and lines[at]:
        lines[at] = _text(_changed(rng, json.loads(lines[at])))
    elif way == 1:
        lines[at] = _text(_any(rng, NASTY))
    elif way == 2:
        del lines[at:]
    else:
        lines.insert(at, _any(rng, lines) * int(rng.integers(1, 300)))
    return b"\n".join(lines)


def _text(value: Any) -> bytes:
    text = json.dumps(value)
    for mark, raw in RAW.items():
        text = text.replace(json.dumps(mark), raw or '"\\udcff"')
    return text.encode()


def _changed(rng: Rng, value: Any) -> Any:
    value = copy.deepcopy(value)
    for _ in range(rng.integers(1, 4)):
        places = list(_places(value))
        if not places or rng.random() < 0.02:
            return _any(rng, NASTY)
        holder, key = _any(rng, places)
        way = rng.integers(7)
        if way <= 2:
            holder[key] = copy.deepcopy(_any(rng, NASTY))
        elif way == 3:
            del holder[key]
        elif way == 4 and isinstance(holder, list):
            holder[key:key] = holder[key : key + 1] * int(10 ** rng.uniform(0, 3.5))
        elif way == 4:
            holder[str(_any(rng, NASTY))] = holder.pop(key)
        elif way == 5:
            other, at = _any(rng, places)
            holder[key], other[at] = copy.deepcopy(other[at]), copy.deepcopy(holder[key])
        elif isinstance(holder[key], (int, float)):
            holder[key] = holder[key] + int(rng.integers(-2, 3)) if rng.random() < 0.5 else -holder[key] * 1000
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


# graphs and lengths, wherever there are some


def _in_json(rng: Rng, whole: bytes, change: Callable[[Rng, Any], None]) -> bytes:
    """`change` applied to the JSON in which the graphs are."""
    try:
        value = json.loads(whole)
    except ValueError:
        header, numbers = _split(whole)
        strings = header["__metadata__"]
        name = next(n for n, text in strings.items() if '"nodes"' in text)
        value = json.loads(strings[name])
        change(rng, value)
        strings[name] = _text(value).decode()
        return _join(header, numbers)
    change(rng, value)
    return _text(value)


def _having(value: Any, key: str) -> list[Any]:
    found = [holder[at] for holder, at in _places([value]) if isinstance(holder[at], dict) and key in holder[at]]
    return found


def _graph_in(rng: Rng, whole: bytes) -> bytes:
    return _in_json(rng, whole, lambda rng, value: _hostile(rng, _any(rng, _having(value, "nodes"))))


def _lengths_in(rng: Rng, whole: bytes) -> bytes:
    return _in_json(rng, whole, _lengths)


def _hostile(rng: Rng, cell: dict[str, Any]) -> None:
    """Deep, shared, wide: the first state's equation becomes another one."""
    nodes, outputs, count = cell["nodes"], cell["outputs"], int(10 ** rng.uniform(0, 5))
    last, dim = outputs[0], nodes[outputs[0]][2]

    def add(op: str, attr: Any, dim: str, args: list[int]) -> int:
        nodes.append([op, attr, dim, args])
        return len(nodes) - 1

    way = rng.integers(6)
    if way == 0:  # deep
        for _ in range(count):
            last = add("call", _any(rng, ["tanh", "exp", "neg", "sigmoid"]), dim, [last])
    elif way == 1:  # shared: a text that doubles with each
        for _ in range(min(count, 3000)):
            last = add("call", _any(rng, ["add", "mul", "maximum"]), dim, [last, last])
    elif way == 2:  # wide
        for k in range(count):
            last = add("call", "add", dim, [last, add("constant", float(k), "1", [])])
    elif way == 3:  # nobody needs them
        for k in range(count):
            add("constant", float(k), "1", [])
    elif way == 4:  # shared and named
        for k in range(min(count, 3000)):
            last = add("call", "mul", dim, [last, int(rng.integers(len(nodes)))])
            cell["names"].append([last, f"a{k}"])
    else:  # many parameters
        for k in range(min(count, 30_000)):
            cell["parameters"][f"q.q{k}"] = [dim]
            last = add("call", "add", dim, [last, add("leaf", ["vector", f"q.q{k}"], dim, [])])
    if rng.random() < 0.9:  # the state's name goes with it, else that is what is refused
        for named in cell["names"]:
            named[0] = last if named[0] == outputs[0] else named[0]
    outputs[0] = last


def _lengths(rng: Rng, value: Any) -> None:
    layers = _having(value, "kind")
    if not layers:  # a cell alone
        cell = _any(rng, _having(value, "nodes"))
        cell["dims"] = {name: _any(rng, ["input", "hidden", "h", "1", ""]) for name in cell["dims"]}
        return
    layer = _any(rng, layers)
    number = int(10 ** rng.uniform(0, 20)) if rng.random() < 0.7 else _any(rng, NASTY)
    way = rng.integers(5)
    if way == 0 and isinstance(layer.get("layers"), list):
        layer["layers"] = layer["layers"] * int(rng.integers(2, 500))
        for k, entry in enumerate(layer["layers"]):
            layer["layers"][k] = [f"n{k}", *entry[1:]]
    elif way == 1 and isinstance(layer.get("layers"), list):  # a network in a network, and so on
        twice = rng.random() < 0.5  # and tied to itself: twice the names, twice the layers that run, with each
        for _ in range(rng.integers(1, 200)):
            layer["layers"] = [["in", {"kind": "network", "layers": layer["layers"]}]]
            layer["layers"] += [["again", {"kind": "tied", "to": "in"}]] if twice else []
    elif way == 2:
        layer["bidirectional"] = not layer.get("bidirectional")
    else:
        keys = [key for key in layer if key.endswith("size") or key in ("num_layers", "num_embeddings", "sizes")]
        for key in keys if way == 3 else keys[: rng.integers(len(keys) + 1)]:
            layer[key] = {"hidden": number, "h": number} if key == "sizes" else number
