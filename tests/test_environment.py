"""What the environment says is what it says now, however it has come to."""

from __future__ import annotations

import os

import pytest

from gated.environment import Variable

NAME = "GATED_OF_THIS_TEST"


def test_a_variable_is_as_it_was_last_set(monkeypatch: pytest.MonkeyPatch) -> None:
    variable = Variable(NAME)
    assert variable.read() is None
    for text in ("1", "", "ü 二"):
        monkeypatch.setenv(NAME, text)
        assert variable.read() == text == Variable(NAME).read()
    os.environ[NAME] = "2"
    assert variable.read() == "2"
    del os.environ[NAME]
    assert variable.read() is None


@pytest.mark.skipif(os.name != "posix", reason="the environment as bytes")
def test_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environb, NAME.encode(), b"3")
    assert Variable(NAME).read() == "3"


def test_somebody_has_put_a_dict_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    variable = Variable(NAME)
    monkeypatch.setattr(os, "environ", {NAME: "4"})
    assert variable.read() == "4"
    monkeypatch.setattr(os, "environ", {})
    assert variable.read() is None
