"""What is read and written of an ONNX model's bytes, without the package onnx.

They are messages of protocol buffers (https://protobuf.dev/programming-guides/encoding): fields one after the other,
each with its number and how it is written. The fields by which a model is walked here (onnx.proto of the format):

    ModelProto.graph 7 | GraphProto.initializer 5, output 12 | TensorProto.external_data 13
    StringStringEntryProto.key 1, value 2 | ValueInfoProto.name 1
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # how a field is written


def also_output(name: str) -> bytes:
    """What makes a value inside a model an output of it, when it is put behind the file's bytes.

    A message that follows another is merged with it, and lists are continued: this is a model whose graph has nothing
    but an output with a name.
    """
    message = name.encode()
    for field in (1, 12, 7):
        message = _varint(field << 3 | LENGTH) + _varint(len(message)) + message
    return message


def numbers_elsewhere(content: bytes) -> list[str]:
    """The files, by their paths from the model's folder, in which a model keeps its numbers; of bytes that are no
    model those that are found before this shows."""
    found: dict[str, None] = {}
    for graph in _messages(memoryview(content), 7):
        for initializer in _messages(graph, 5):
            for entry in _messages(initializer, 13):
                parts = {k: bytes(part) for k in (1, 2) for part in _messages(entry, k)}
                if parts.get(1) == b"location":
                    found[parts.get(2, b"").decode(errors="replace")] = None
    return list(found)


def _messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The contents of all fields of this number that have a length."""
    at = 0
    try:
        while at < len(message):
            key, at = _number(message, at)
            field, how = key >> 3, key & 7
            if how == LENGTH:
                length, at = _number(message, at)
                if field == wanted:
                    yield message[at : at + length]
                at += length
            elif how == VARINT:
                _, at = _number(message, at)
            elif how in (EIGHT_BYTES, FOUR_BYTES):
                at += 8 if how == EIGHT_BYTES else 4
            else:
                return
    except IndexError:  # the end, in the middle of a number
        return


def _number(message: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value, shift = 0, 0
    while message[at] & 128:
        value, shift, at = value | (message[at] & 127) << shift, shift + 7, at + 1
    return value | message[at] << shift, at + 1


def _varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])
