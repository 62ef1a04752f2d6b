"""A whole page, and the small parts of which every report has some."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape

from gated.models.pages import style


def page(title: str, lang: str, parts: Sequence[str], own_style: str = "") -> str:
    """A whole page of parts, in "en" or "zh". `own_style`: rules beside those that all pages share."""
    return (
        f'<!doctype html>\n<html lang="{"zh-Hans" if lang == "zh" else "en"}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>{style.PAGE}{style.CHARTS}{own_style}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def head(text: str) -> str:
    """The title of a section."""
    return f"<h2>{escape(text)}</h2>"


def dim(text: str) -> str:
    """A paragraph that explains."""
    return f'<p class="dim">{escape(text)}</p>'


def facts(rows: Mapping[str, str], kind: str = "") -> str:
    """A table of names and what they are. `kind`: the class of what they are."""
    begin = f'<td class="{kind}">' if kind else "<td>"
    body = "".join(f"<tr><th>{escape(name)}</th>{begin}{escape(text)}</td></tr>" for name, text in rows.items())
    return f'<table class="scores">{body}</table>'


def share(part: float) -> str:
    """A part as a percentage; a dash where there is nothing of which it could be a part."""
    return "-" if math.isnan(part) else f"{part:.1%}"


def source(data: bytes, kind: str = "image/png") -> str:
    """The bytes of a file as an address that holds all of them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
