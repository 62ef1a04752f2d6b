"""Texts that are written: where they end, what is held back, what is drawn."""

from __future__ import annotations

import codecs
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.data import ByteVocabulary
from gated.errors import GatedError
from gated.models import LanguageModel
from gated.models.writing import stop_strings, until

TEXT = "the cat sat on the mat.\nthe dog sat on the log.\n中文也在这里。\n" * 12
UNITS = ["characters", "words", "bytes"]


def model(units: str, backend: str = "native", **options: Any) -> LanguageModel:
    """Far from equal chances."""
    made = LanguageModel.build(TEXT, units=units, hidden_size=24, dtype="float64", seed=2, backend=backend, **options)
    made.network.theta[:] *= 3.0
    return made


MODELS = {units: model(units) for units in UNITS}


def up_to(text: str, stops: tuple[str, ...]) -> str:
    """Slowly: the shortest beginning that ends with one of them, without the longest of these."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            return text[: end - max(map(len, found))]
    return text


FEW = st.sampled_from("ab.")


@given(
    pieces=st.lists(st.text(FEW, min_size=1, max_size=4), max_size=12),
    stops=st.lists(st.text(FEW, min_size=1, max_size=4), min_size=1, max_size=3).map(tuple),
)
def test_a_text_ends_before_the_stop_string_that_is_complete_first(pieces: list[str], stops: tuple[str, ...]) -> None:
    text = "".join(pieces)
    came = list(until(pieces, stops))
    assert "".join(came) == up_to(text, stops) and all(came)


@given(pieces=st.lists(st.text(FEW, min_size=1, max_size=3), max_size=10), stop=st.text(FEW, min_size=1, max_size=4))
def test_nothing_is_held_back_that_cannot_become_a_stop_string(pieces: list[str], stop: str) -> None:
    """After each piece exactly the longest end is missing that is a beginning of the stop string."""
    given_out, fed = "", ""

    def feed() -> Any:
        nonlocal fed
        for piece in pieces:
            if fed and stop not in fed:
                held = next((k for k in range(min(len(fed), len(stop) - 1), 0, -1) if stop.startswith(fed[-k:])), 0)
                assert given_out == fed[: len(fed) - held]
            fed += piece
            yield piece

    for piece in until(feed(), (stop,)):
        given_out += piece


def test_what_is_no_stop_string() -> None:
    assert stop_strings("ab") == ("ab",) and stop_strings(["a", "b"]) == ("a", "b") and stop_strings(()) == ()
    for bad, message in (
        ("", "^stop: got '', expected texts of at least one character$"),
        (["a", ""], "^stop: got ''"),
        (["a", 3], r"^stop\[1\]: got int 3, expected a text$"),
        (3, "^stop: got int 3, expected a text or several$"),
        (None, "^stop: got None"),
        (b"a", "^stop: got bytes b'a'"),
    ):
        with pytest.raises(GatedError, match=message):
            stop_strings(bad)


@pytest.mark.parametrize("units", UNITS)
def test_pieces_are_the_sample_and_stop_strings_end_it(units: str) -> None:
    made = MODELS[units]
    whole = made.sample(150, seed=3)
    assert "".join(made.stream(150, seed=3)) == whole
    for stops in ([whole[20:23]], [whole[40], whole[30:33]], ["never written"], whole[50]):
        wanted = up_to(whole, tuple([stops] if isinstance(stops, str) else stops))
        assert made.sample(150, seed=3, stop=stops) == wanted
        assert "".join(made.stream(150, seed=3, stop=stops)) == wanted
    assert made.sample(0) == "" == made.sample(9, seed=3, stop=[whole[0]])


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("how", [{}, {"top_k": 3}, {"top_p": 0.6}, {"top_k": 5, "top_p": 0.9}], ids=str)
def test_the_same_text_for_the_same_seed_on_both_backends(units: str, how: dict[str, Any]) -> None:
    other = model(units, "reference")
    found, wanted = (each.sample(120, prompt="the cat", seed=5, **how) for each in (MODELS[units], other))
    assert found == wanted and len(set(found)) > 3
    assert MODELS[units].sample(120, prompt="the cat", seed=6, **how) != found


@pytest.mark.parametrize("units", UNITS)
def test_only_the_likeliest_are_written(units: str) -> None:
    """Every unit of the text is among the k first after those before it, and some are not without top_k."""
    made = MODELS[units]

    def ranks(text_ids: Any) -> Any:
        ids = np.concatenate([made.vocabulary.encode("\n"), text_ids])
        y = made.network.infer(ids[:-1, None])[0][:, 0]
        return (y > np.take_along_axis(y, ids[1:, None], axis=1)).sum(axis=1)

    def drawn(**how: Any) -> Any:
        return made.network.stream().draw(int(made.vocabulary.encode("\n")[0]), uniforms, 1.0, **how)

    uniforms = np.random.default_rng(1).random(200)
    assert ranks(drawn(top_k=2)).max() == 1 < ranks(drawn()).max()
    assert made.sample(40, top_k=1, seed=9) == made.sample(40, temperature=0) == made.sample(40, top_p=1e-9)
    assert made.sample(40, seed=9, top_k=1000) == made.sample(40, seed=9) == made.sample(40, seed=9, top_p=1.0)


def test_bytes_of_a_character_come_together() -> None:
    made = MODELS["bytes"]
    pieces = list(made.stream(400, temperature=1.5, seed=4))
    assert all(len(piece) == 1 or "\ufffd" in piece for piece in pieces)
    ids = list(made.network.stream().draw(10, np.random.default_rng(4).random(400), 1.5))
    assert "".join(pieces) == codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(map(int, ids)))
    assert any(ord(c) > 127 for c in "".join(pieces))


def test_a_character_that_the_end_cuts_off_is_left_out() -> None:
    made = LanguageModel.build(ByteVocabulary(), hidden_size=3)
    made.network.theta[:] = 0.0
    made.network.params["head.b.y"][0xE4] = 9.0  # the first byte of a character of three
    assert made.sample(1, temperature=0) == ""
    assert made.sample(3, temperature=0) == "\ufffd\ufffd"


def test_prompts() -> None:
    for units in UNITS:
        made = MODELS[units]
        state, ids = None, made.vocabulary.encode("the dog 中")
        for number in ids:
            y, state, _ = made.network.forward(np.array([[number]]), state)
        assert made.sample(1, prompt="the dog 中", temperature=0) == made.vocabulary.decode([y[0, 0].argmax()])
    assert MODELS["words"].sample(5, prompt="theg cot", temperature=0), "a word that it lacks is spelled"
    assert isinstance(MODELS["bytes"].sample(5, prompt="€"), str)
    for units in ("characters", "words"):
        with pytest.raises(GatedError, match="^prompt: got '€', expected characters that the model knows$"):
            MODELS[units].sample(5, prompt="cat€")


def test_bad_arguments_are_told_before_the_first_piece() -> None:
    for how, message in (
        ({"top_k": 0}, "^top_k: got 0"),
        ({"top_p": 2}, "^top_p: got 2"),
        ({"stop": 3}, "^stop: got int 3"),
        ({"prompt": b"a"}, "^prompt: got bytes b'a', expected a text"),
    ):
        with pytest.raises(GatedError, match=message):
            MODELS["words"].stream(5, **how)  # type: ignore[arg-type]
