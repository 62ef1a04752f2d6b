"""A page about a model of piano rolls: how well it foretells, what it composes, to see and to hear, and its gates.

One HTML file; nothing is loaded from elsewhere, nothing runs in it. English or Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from gated.data.music import MusicSplit, Piece, Texture, texture
from gated.data.music.midi import midi_bytes
from gated.data.music.rolls import Roll
from gated.learning.training.figures import chinese_font, in_chinese, png
from gated.models.music.piano_roll_model import PianoRollModel
from gated.models.music.pictures import gate_figure, roll_figure
from gated.models.music.sound import wav_bytes
from gated.models.pages import dim, head, page, source
from gated.number_checks import one_of, whole_above_zero

TEMPO = 80.0  # quarter notes in a minute
COMPOSED = 10  # rolls by which what the model composes is measured
VOICES = 4

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Music, composed quarter note by quarter note",
        "foretold": "How well it foretells",
        "nats": "nats per quarter note, over the 88 keys",
        "pieces": "pieces",
        "notes": "quarter notes",
        "train": "learned from",
        "valid": "by which was chosen when to stop",
        "test": "never seen",
        "texture": "What it composes, in numbers",
        "held out": "held-out pieces",
        "free": "composed, each key by itself",
        "four": "composed, four keys at a time",
        "mean": "keys that sound",
        "spread": "their standard deviation",
        "fours": "exactly four",
        "silent": "silent",
        "held": "notes whose key sounded before",
        "clashing": "names a semitone apart sound together",
        "listen": "To see and to hear",
        "true": "{}, by its composer",
        "midi": "as a MIDI file",
        "gates": "Gates over time",
        "reads": "{} as the model reads it: what sounds, how surprised the model is (in nats), and every gate of every "
        "unit, sorted by its mean. At each step a gate has seen all steps before.",
        "surprise": "surprise",
        "units": "units",
        "steps": "quarter notes",
    },
    "zh": {
        "title": "一拍一拍谱出来的音乐",
        "foretold": "预测得有多准",
        "nats": "每个四分音符的奈特数（88 个键合计）",
        "pieces": "曲数",
        "notes": "四分音符数",
        "train": "用来学习",
        "valid": "用来决定何时停止",
        "test": "从未见过",
        "texture": "它谱出的音乐，用数字说",
        "held out": "留出的乐曲",
        "free": "谱出的，各键互不相干",
        "four": "谱出的，每次四个键",
        "mean": "同时发声的键数",
        "spread": "键数的标准差",
        "fours": "恰好四个",
        "silent": "无声",
        "held": "前一拍已在响的音",
        "clashing": "相差半音的音名同时响",
        "listen": "看一看，听一听",
        "true": "{}，原作",
        "midi": "MIDI 文件",
        "gates": "门随时间的变化",
        "reads": "模型读 {}：响的是什么，模型有多意外（奈特），每个隐藏单元的每个门（按平均值排列）。"
        "每一步的门只看过之前的各步。",
        "surprise": "意外",
        "units": "隐藏单元",
        "steps": "四分音符",
    },
}


def music_report(
    model: PianoRollModel, pieces: MusicSplit, *, lang: str = "en", length: int = 48, seed: int = 0
) -> str:
    """The page.

    Args:
        model: foretells and composes.
        pieces: with which it learned; one of the held-out pieces is shown.
        lang: of the page, "en" or "zh".
        length: quarter notes that are composed, and of the piece that is shown.
        seed: of what is composed.

    Raises:
        MissingExtraError: matplotlib or music21 is not installed.
    """
    say, length = WORDS[one_of("lang", lang, "en", "zh")], whole_above_zero("length", length)
    font = chinese_font() if lang == "zh" else None  # pictures have Latin letters where none is installed
    shown = shown_piece(pieces.test, length)
    free = [model.sample(length, seed=seed + k) for k in range(COMPOSED)]
    four = [model.sample(length, voices=VOICES, seed=seed + k) for k in range(COMPOSED)]
    rolls = {say["true"].format(shown.name): shown.roll[:length], say["four"]: four[0], say["free"]: free[0]}
    textures = {
        say["held out"]: texture(piece.roll for piece in pieces.test),
        say["four"]: texture(four),
        say["free"]: texture(free),
    }
    parts = [
        f"<h1>{escape(say['title'])}</h1>",
        head(say["foretold"]),
        _foretold(model, pieces, say),
        head(say["listen"]),
        _picture(roll_figure(rolls if font else _in_latin(rolls, shown.name)), ", ".join(rolls), font),
        *(_heard(title, roll, say) for title, roll in rolls.items()),
        head(say["texture"]),
        _textures(textures, say),
        head(say["gates"]),
        dim(say["reads"].format(shown.name)),
        _gates(model, shown, length, say, font),
    ]
    return page(say["title"], lang, parts)


def shown_piece(pieces: Sequence[Piece], length: int) -> Piece:
    """The first of the pieces that is long enough, else the longest."""
    return next((piece for piece in pieces if len(piece.roll) >= length), max(pieces, key=lambda p: len(p.roll)))


def _in_latin(rolls: Mapping[str, Roll], name: str) -> dict[str, Roll]:
    """With titles for a picture whose font has no Chinese letters."""
    return dict(zip((f"1. {name}", "2. composed, four voices", "3. composed, free"), rolls.values(), strict=True))


def _foretold(model: PianoRollModel, pieces: MusicSplit, say: Mapping[str, str]) -> str:
    heads = "".join(f"<th>{escape(say[name])}</th>" for name in ("pieces", "notes", "nats"))
    rows = [f"<tr><th></th>{heads}</tr>"]
    for name, own in pieces._asdict().items():
        steps = sum(len(piece.roll) for piece in own)
        nats = f"<b>{model.evaluate(own):.2f}</b>" if name == "test" else f"{model.evaluate(own):.2f}"
        rows.append(f"<tr><th>{escape(say[name])}</th><td>{len(own):,}</td><td>{steps:,}</td><td>{nats}</td></tr>")
    return f'<table class="scores">{"".join(rows)}</table>'


def _textures(textures: Mapping[str, Texture], say: Mapping[str, str]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in textures)
    rows = [f"<tr><th></th>{heads}</tr>"]
    for k, name in enumerate(("mean", "spread", "fours", "silent", "held", "clashing")):
        cells = "".join(f"<td>{own[k]:.2f}</td>" if k < 2 else f"<td>{own[k]:.0%}</td>" for own in textures.values())
        rows.append(f"<tr><th>{escape(say[name])}</th>{cells}</tr>")
    return f'<div class="wide"><table class="scores">{"".join(rows)}</table></div>'


def _heard(title: str, roll: Roll, say: Mapping[str, str]) -> str:
    midi = source(midi_bytes(roll, TEMPO, held=True), "audio/midi")
    link = f'<a download="music.mid" href="{midi}">{escape(say["midi"])}</a>'
    heard = f'<audio controls preload="none" src="{source(wav_bytes(roll, TEMPO), "audio/wav")}"></audio>'
    return f"<p>{escape(title)}<br>{heard} {link}</p>"


def _gates(model: PianoRollModel, piece: Piece, length: int, say: Mapping[str, str], font: str | None) -> str:
    roll = piece.roll[:length]
    figure = gate_figure(roll, -model.log_likelihood([roll])[0], model.gates(roll), say if font else WORDS["en"])
    return _picture(figure, say["gates"], font)


def _picture(figure: Any, alt: str, font: str | None) -> str:
    """`font`: of its letters, None for the usual one, which has Latin ones alone."""
    image = source(png(in_chinese(figure, font) if font else figure))
    return f'<p><img style="width: 100%" src="{image}" alt="{escape(alt)}"></p>'
