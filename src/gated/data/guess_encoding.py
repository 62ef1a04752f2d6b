"""Which encoding a text that is not UTF-8 probably has: for the hint in an error message, never to read by."""

from __future__ import annotations

import codecs
import re

SAMPLE = 65_536  # bytes that are looked at

# Letters that a text in the right encoding is full of; in the wrong one it has hardly any of them.
CHINESE = "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你。，、“”"
JAPANESE = "のにはをたがでとしいてなるこれあらもすりそかまんっだよくさ。、「」"
KOREAN = "이다는의에을가고하지로를은기한사도자그리시인나서아"
COMMON = {
    "gb18030": CHINESE,
    "big5": CHINESE,
    "shift_jis": JAPANESE,
    "euc_jp": JAPANESE,
    "cp949": KOREAN,
    "utf-16-le": CHINESE + JAPANESE + KOREAN,
    "utf-16-be": CHINESE + JAPANESE + KOREAN,
}
RUSSIAN = "оеаинтсрвлкмдпуяыьгзбч"
ENOUGH = 0.05  # part of the characters beyond ASCII
MOST = 0.5  # part of all letters: encodings with one byte a letter can read everything
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PAIRS = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xfe])*")  # the commoner part of GBK: no Latin text is all pairs


def guess_encoding(raw: bytes) -> str | None:
    """An encoding in which all of `raw` can be read, and of these the one that looks right; None for no text."""
    for mark, encoding in MARKS.items():
        if raw.startswith(mark):
            return encoding if _decodes(raw, encoding) else None
    sample = raw[:SAMPLE]
    binary = b"\0" in sample
    if sample.count(0) > len(sample) / 4:  # every second byte of a Western text
        wide = "utf-16-be" if sample[::2].count(0) > sample[1::2].count(0) else "utf-16-le"
        return wide if _decodes(raw, wide) else None
    scores = {encoding: _part(sample, encoding, letters, "\x7f") for encoding, letters in COMMON.items()}
    for encoding in sorted(scores, key=scores.__getitem__, reverse=True):
        wide_or_text = encoding.startswith("utf-16") or not binary
        if scores[encoding] >= ENOUGH and wide_or_text and _decodes(raw, encoding):
            return encoding
    if binary:
        return None
    if _PAIRS.fullmatch(sample[: len(sample) // 2 * 2]) and _decodes(raw, "gb18030"):
        return "gb18030"
    for encoding in ("cp1251", "koi8-r"):
        if _part(sample, encoding, RUSSIAN, "@") >= MOST:
            return encoding
    return "cp1252" if _decodes(raw, "cp1252") else "latin-1"


def _part(raw: bytes, encoding: str, common: str, above: str) -> float:
    """Of the characters beyond `above`, the part that are common ones."""
    counted = [letter for letter in raw.decode(encoding, "replace") if letter > above]
    return sum(letter in common for letter in counted) / max(len(counted), 1)


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
