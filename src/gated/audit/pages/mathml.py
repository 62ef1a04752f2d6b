"""Formulas in the Unicode notation of a derivation, "δ_iₜ = dcₜ ⊙ gₜ ⊙ iₜ ⊙ (1 − iₜ)", as MathML Core."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_BELOW = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₜ", "0123456789+−t", strict=True))
_ABOVE = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ", "0123456789+−⊤", strict=True))
_TOKEN = re.compile(
    rf"(?P<name>[^\W\d_{''.join(_BELOW)}{''.join(_ABOVE)}]+\d*)(?:_(?P<member>[^\W{''.join(_BELOW)}{''.join(_ABOVE)}]+))?"
    rf"(?P<below>[{''.join(_BELOW)}]*)(?P<above>[{''.join(_ABOVE)}]*)"
    rf"|(?P<number>[\d.]+(?:e[+-]?\d+)?)|(?P<end>\)(?P<power>[{''.join(_ABOVE)}]*))|(?P<other>\S)"
)


def mathml(formula: str) -> str:
    """One <math> element."""
    return f"<math>{''.join(_sequence(_TOKEN.finditer(formula)))}</math>"


def _sequence(tokens: Iterator[re.Match[str]]) -> list[str]:
    """Up to the bracket that closes this one, or the end. What stands in brackets may bear an exponent."""
    parts: list[str] = []
    for token in tokens:
        if token["other"] == "(":
            parts.append(_brackets(tokens))
        elif token["end"]:
            return [*parts, token["power"] or ""]
        elif token["number"]:
            parts.append(f"<mn>{token['number']}</mn>")
        elif token["other"]:
            parts.append(f"<mo>{escape(token['other'])}</mo>")
        else:
            parts.append(_symbol(token))
    return parts


def _brackets(tokens: Iterator[re.Match[str]]) -> str:
    *inner, power = _sequence(tokens) or [""]
    row = f'<mrow><mo stretchy="false">(</mo>{"".join(inner)}<mo stretchy="false">)</mo></mrow>'
    return f"<msup>{row}{_row(_written(power, _ABOVE))}</msup>" if power else row


def _symbol(token: re.Match[str]) -> str:
    """A name with member and time index below, transposition or power above; Σₜ is a sum."""
    name, member = token["name"], token["member"]
    below, above = _written(token["below"], _BELOW), _written(token["above"], _ABOVE)
    if name == "Σ":
        return f"<munder><mo>∑</mo>{_row(below)}</munder>"
    base = f"<mi>{escape(name)}</mi>"
    if name[0] == "d" and len(name) > 1:  # ∂E/∂(the rest)
        base = f'<mrow><mi mathvariant="normal">d</mi><mi>{escape(name[1:])}</mi></mrow>'
    if member:
        below = [f"<mi>{escape(member)}</mi>", *(["<mo>,</mo>", *below] if below else [])]
    if below and above:
        return f"<msubsup>{base}{_row(below)}{_row(above)}</msubsup>"
    if below or above:
        kind = "msub" if below else "msup"
        return f"<{kind}>{base}{_row(below or above)}</{kind}>"
    return base


def _written(text: str, letters: dict[str, str]) -> list[str]:
    plain = [letters[letter] for letter in text]
    return [f"<mn>{c}</mn>" if c.isdigit() else f"<mi>{c}</mi>" if c.isalpha() else f"<mo>{c}</mo>" for c in plain]


def _row(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"
