from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from gated.data import python_topics, read_text, shuffled_batches, split, stream_windows
from gated.errors import ArgumentError, ArgumentTypeError, FileFormatError, GatedError


def test_topics_are_long_repeatable_and_sorted():
    text = python_topics()
    assert text == python_topics()
    assert len(text) > 300_000
    assert text.index("\n\ndel\n===\n\n") < text.index("\n\nwhile\n=====\n\n")


def test_split_is_contiguous_and_loses_nothing():
    text = "".join(chr(65 + i % 26) for i in range(1000))
    train, held_out = split(text)
    assert train + held_out == text
    assert len(held_out) == 50


def test_split_leaves_something_on_both_sides():
    assert split("ab", 0.01) == ("a", "b")
    assert split("ab", 0.99) == ("a", "b")


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_split_refuses_fractions_out_of_range(fraction):
    with pytest.raises(ArgumentError, match="held_out: got"):
        split("some text", fraction)


def test_split_refuses_one_character():
    with pytest.raises(ArgumentError, match="text: got 1 characters"):
        split("a")


def test_read_text_normalises_line_ends_and_byte_order_mark(tmp_path):
    file = tmp_path / "text"
    file.write_bytes("\ufeffgrün\r\nblau\rrot\n".encode())
    assert read_text(file) == "grün\nblau\nrot\n"
    assert read_text(str(file)) == "grün\nblau\nrot\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"\xef\xbb\xbf", "empty"), (b"abc\xff\xfe", "byte 0xff at offset 3"), (b"a\xc3", "offset 1")],
)
def test_read_text_refuses_files_that_are_no_text(tmp_path, content, message):
    file = tmp_path / "text"
    file.write_bytes(content)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_text(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_text_refuses_paths_that_are_no_file(tmp_path):
    with pytest.raises(ArgumentError, match="does not exist"):
        read_text(tmp_path / "missing")
    with pytest.raises(ArgumentError, match="directory"):
        read_text(tmp_path)
    with pytest.raises(ArgumentError, match="cannot be read"):
        read_text("null\0character")


@pytest.mark.parametrize(
    ("length", "batch", "window"), [(101, 4, 7), (101, 4, 25), (101, 1, 1000), (5, 4, 1), (2, 1, 1)]
)
def test_windows_continue_each_other_and_cover_the_stream(length, batch, window):
    ids = np.arange(length, dtype=np.int32)
    pairs = list(stream_windows(ids, batch, window))
    inputs = np.concatenate([x for x, _ in pairs])
    targets = np.concatenate([y for _, y in pairs])
    assert all(x.shape == y.shape and x.dtype == np.int32 and x.flags.c_contiguous for x, y in pairs)
    assert all(len(x) == window for x, _ in pairs[:-1])
    assert 1 <= len(pairs[-1][0]) <= window
    # reading column after column gives the stream in order, but for the few ids left over at its end
    np.testing.assert_array_equal(inputs.T.ravel(), ids[: inputs.size])
    np.testing.assert_array_equal(targets, inputs + 1)
    assert 1 <= length - inputs.size <= batch


def test_windows_refuse_bad_arguments_at_the_call():
    ids = np.arange(10)
    with pytest.raises(ArgumentError, match="ids: got 10, expected at least 11"):
        stream_windows(ids, 10, 3)
    with pytest.raises(ArgumentError, match="batch: got 0"):
        stream_windows(ids, 0, 3)
    with pytest.raises(ArgumentError, match="window: got -1"):
        stream_windows(ids, 1, -1)
    with pytest.raises(
        ArgumentError, match=r"ids: got shape \(1, 2, 5\), expected one dimension, or a series of shape"
    ):
        stream_windows(ids.reshape(1, 2, 5), 1, 1)
    with pytest.raises(ArgumentError, match=r"ids: got shape \(5, 0\), expected one dimension, or a series of shape"):
        stream_windows(np.zeros((5, 0)), 1, 1)
    for bad in (ids * 1j, ids > 3, ["a"] * 10, "0123456789"):
        with pytest.raises(ArgumentTypeError, match="ids: got .*, expected integer ids.*, or a series of real numbers"):
            stream_windows(bad, 1, 1)
    with pytest.raises(ArgumentTypeError, match="window: got 2.5"):
        stream_windows(ids, 1, 2.5)


def test_batches_hold_every_sequence_once_with_its_length_and_mask():
    rng = np.random.default_rng(5)
    sequences = [rng.normal(size=(1 + i % 4, 3)).astype(np.float32) for i in range(11)]
    seen = []
    for batch in shuffled_batches(sequences, 4, rng):
        assert batch.x.dtype == np.float32
        assert batch.x.shape == (batch.lengths.max(), len(batch.indices), 3)
        np.testing.assert_array_equal(batch.mask.sum(axis=0), batch.lengths)
        assert not batch.x[~batch.mask].any()
        for n, index in enumerate(batch.indices):
            np.testing.assert_array_equal(batch.x[: batch.lengths[n], n], sequences[index])
            assert batch.mask[: batch.lengths[n], n].all()
        seen.extend(batch.indices.tolist())
    assert sorted(seen) == list(range(11))


def test_batches_are_shuffled_by_the_generator_alone():
    def order(seed):
        return [b.indices.tolist() for b in shuffled_batches([[i] for i in range(20)], 6, np.random.default_rng(seed))]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert [len(indices) for indices in order(1)] == [6, 6, 6, 2]


def test_batches_refuse_bad_arguments_at_the_call():
    rng = np.random.default_rng(0)
    with pytest.raises(ArgumentError, match="sequences: got none"):
        shuffled_batches([], 2, rng)
    with pytest.raises(ArgumentError, match=r"sequences\[1\]: got one number, expected an array with an axis of steps"):
        shuffled_batches([[1], 2], 2, rng)
    with pytest.raises(ArgumentError, match=r"sequences\[1\]: got steps of shape \(2,\)"):
        shuffled_batches([[[1]], [[1, 2]]], 2, rng)
    with pytest.raises(ArgumentTypeError, match="sequences: got int 7, expected a list of arrays"):
        shuffled_batches(7, 2, rng)
    with pytest.raises(ArgumentTypeError, match=r"sequences\[1\]: got str 'ab', expected an array of numbers"):
        shuffled_batches([[1], "ab"], 2, rng)
    with pytest.raises(ArgumentError, match="batch_size: got 0"):
        shuffled_batches([[1]], 0, rng)
    with pytest.raises(ArgumentTypeError, match="rng: got int"):
        shuffled_batches([[1]], 1, 7)


CHINESE = "我来到你的城市，走过你来时的路，想象着没有我的日子，你是怎样的孤独。\n"
TEXTS = {
    "gb18030": CHINESE,
    "gbk": "龙争虎斗，中文 and English",
    "big5": "我來到你的城市，走過你來時的路，想像著沒有我的日子，你是怎樣的孤獨。",
    "utf-16": CHINESE,
    "utf-16-le": CHINESE,
    "utf-16-be": "plain English",
    "utf-32": "plain English",
    "shift_jis": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "euc_jp": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "cp949": "나는 오늘 아침에 학교에 가지 않았다. 그리고 하루 종일 잤다.",
    "cp1251": "Все счастливые семьи похожи друг на друга",
    "koi8-r": "Все счастливые семьи похожи друг на друга",
    "cp1252": "„Über allen Gipfeln ist Ruh“ – naïve",
    "latin-1": "Longtemps, je me suis couché de bonne heure. À peine",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_a_text_in_another_encoding_is_refused_with_what_to_do(tmp_path, encoding, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = TEXTS[encoding].encode(encoding)
    (tmp_path / "a text.txt").write_bytes(raw)
    with pytest.raises(FileFormatError) as caught:
        read_text("a text.txt")
    guess = {"gbk": "gb18030", "latin-1": "cp1252"}.get(encoding, encoding)
    assert str(caught.value).endswith(
        f", expected text in UTF-8; it looks like {guess}, which --encoding {guess} (encoding= in Python) reads, "
        f"or convert it: iconv -f {guess.upper()} -t UTF-8 'a text.txt' > 'a text.utf8.txt'"
    )
    assert read_text("a text.txt", guess) == read_text("a text.txt", encoding) == TEXTS[encoding]


@pytest.mark.skipif(shutil.which("iconv") is None, reason="there is no iconv here")
@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "shift_jis", "cp949", "koi8-r"])
def test_the_command_that_is_named_converts(tmp_path, encoding, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "it's.txt").write_bytes(TEXTS[encoding].encode(encoding))
    with pytest.raises(FileFormatError) as caught:
        read_text("it's.txt")
    subprocess.run(str(caught.value).partition("convert it: ")[2], shell=True, check=True)
    assert read_text("it's.utf8.txt") == TEXTS[encoding]


@pytest.mark.parametrize("name", ["", "utf-88", "hex", "rot13", "zip", "\0", "n" * 10_000, None, 3])
def test_encodings_that_are_none(tmp_path, name):
    (tmp_path / "text").write_text("a")
    with pytest.raises(ArgumentError, match="^encoding: got .*expected one such as utf-8, gb18030, latin-1") as caught:
        read_text(tmp_path / "text", name)
    assert len(str(caught.value)) < 200


def test_binary_data_look_like_nothing(tmp_path):
    (tmp_path / "text").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(FileFormatError, match="got byte 0x80 at offset 128, expected text in UTF-8$"):
        read_text(tmp_path / "text")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: split("abc", "0.1"), "held_out: got '0.1', expected a number"),
        (lambda: split("abc", None), "held_out: got None, expected a number"),
        (lambda: split("abc", np.ones((30, 30))), "held_out: got an array of shape (30, 30) and dtype float64, "
         "expected a number"),
        (lambda: split("abc", 2), "held_out: got 2, expected a fraction between 0 and 1"),
        (lambda: split("abc", float("nan")), "held_out: got nan, expected a fraction between 0 and 1"),
        (lambda: split(None), "text: got None, expected a text"),
        (lambda: stream_windows(np.arange(9), np.ones((9, 9)), 3), "batch: got an array of shape (9, 9) and "
         "dtype float64, expected a whole number"),
        (lambda: stream_windows(np.arange(9), 1, [3] * 2000), "window: got list [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, "
         "3, 3, 3, 3, 3, 3, 3,..., expected a whole number"),
    ],
)  # fmt: skip
def test_arguments_that_are_no_numbers_are_told_in_one_short_line(call, message):
    with pytest.raises(GatedError) as caught:
        call()
    assert str(caught.value) == message


def test_a_file_whose_name_is_no_line(tmp_path):
    """The command that was proposed held the name as it is, with its ends of lines and escapes."""
    path = tmp_path / "a\n\x1b[31mb.txt"
    path.write_bytes("我来到你的城市，走过你来时的路。".encode("gb18030"))
    with pytest.raises(FileFormatError, match="it looks like gb18030, which --encoding gb18030") as caught:
        read_text(path)
    assert str(caught.value).isprintable() and "iconv" not in str(caught.value)
