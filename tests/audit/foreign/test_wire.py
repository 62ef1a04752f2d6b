"""Messages between the audit and the child process, and the child that is started ahead."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest

import gated
from gated.audit.foreign import starting, wire
from gated.audit.foreign.process import open_foreign
from gated.audit.foreign.starting import opening, place

RIGHT = Path(__file__).parents[1] / "specimens" / "right"


def sent(message: dict[str, object], arrays: dict[str, np.ndarray]) -> io.BytesIO:
    pipe = io.BytesIO()
    wire.write(pipe, message, arrays)
    pipe.seek(0)
    return pipe


def test_what_is_written_is_read() -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "none": np.zeros((0, 3)),
        "one": np.array(2.5),
        "turned": rng.standard_normal((3, 4)).T,
        "complex": rng.standard_normal(2) + 1j,
        "whole": np.arange(5, dtype=np.int32),
        "known": np.array([True, False]),
        "names in Chinese: 门": np.ones((1, 1, 2), np.float32),
    }
    pipe = sent({"do": "things", "with": [1, None, "门"]}, arrays)
    pipe.seek(0, io.SEEK_END)
    wire.write(pipe, {"second": True})
    pipe.seek(0)
    message, found = wire.read(pipe)
    assert message == {"do": "things", "with": [1, None, "门"]} and list(found) == list(arrays)
    for name, value in arrays.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape
        np.testing.assert_array_equal(found[name], value)
    assert found["turned"].flags.writeable
    assert wire.read(pipe) == ({"second": True}, {})
    with pytest.raises(EOFError):
        wire.read(pipe)


def test_objects_are_not_written() -> None:
    with pytest.raises(TypeError, match=r"a: got an array of object, expected numbers"):
        sent({}, {"a": np.array([{}])})


@pytest.mark.parametrize(
    "about", [["a", "<f8", [3]], ["a", "<f8", [-1]], ["a", "|O", [1]], ["a", "<f8", [1 << 40, 1 << 40]]]
)
def test_arrays_that_are_not_there_are_refused(about: list[object]) -> None:
    text, binary = json.dumps([{}, [about]]).encode(), bytes(16)
    pipe = io.BytesIO(struct.pack("<QQ", len(text), len(binary)) + text + binary)
    with pytest.raises(ValueError, match="an array a of"):
        wire.read(pipe)


def test_too_long_a_message_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        wire.read(io.BytesIO(struct.pack("<QQ", 1 << 40, 0)))


@pytest.mark.parametrize("first", [None, "params_lstm.py", "params_rnn.py"])
def test_a_child_that_was_started_for_something_else_is_not_asked(first: str | None) -> None:
    starting.start_ahead(*([opening(RIGHT / first, None, starting.MEMORY), starting.TABLE] if first else []))
    (process, _), *more = starting._ahead
    assert not more
    audit = gated.audit.diagnose(RIGHT / "params_rnn.py")
    assert audit.verdict == "right" and audit.where == ("outputs", "gradients")
    assert not starting._ahead and process.poll() is not None


def test_what_was_asked_ahead_is_answered_in_any_order() -> None:
    path = RIGHT / "params_rnn.py"
    with open_foreign(path) as alone:
        table, manners = alone.table(), alone.manners()
    starting.start_ahead(opening(path, None, starting.MEMORY), starting.TABLE, starting.MANNERS)
    with open_foreign(path) as ahead:
        assert ahead.manners() == manners  # the table is passed over, and made when it is asked for
        assert ahead.table() == table


def test_a_name_behind_a_colon(tmp_path: Path) -> None:
    assert place("cells.py:lstm") == ("cells.py", "lstm")
    assert place("cells.py:lstm", "gru") == ("cells.py:lstm", "gru")
    path = tmp_path / "a:b.py"
    path.write_text("")
    assert place(path) == (str(path), None)
