"""An audit as one HTML file: nothing is loaded from elsewhere, nothing runs in it."""

from __future__ import annotations

from html import escape
from pathlib import Path

import gated
from gated.audit.pages.drawing import svg
from gated.audit.pages.mathml import mathml
from gated.audit.pages.style import STYLE
from gated.audit.pages.terminal import read_source
from gated.audit.pages.words import forward_sentences, others, place, say, style, summary
from gated.audit.verdict import Audit, Fault

AROUND = 2  # lines of their code shown before and after a fault


def as_html(audit: Audit) -> str:
    """The whole page, with the table, the faults with their formulas and lines, and the picture of the roads."""
    lang = audit.lang
    name = Path(audit.path).name
    parts = [
        f"<h1>{escape(say(lang, 'title', ''))}<code>{escape(name)}</code></h1>",
        f'<p class="dim">{escape(", ".join(audit.where))} ({escape(style(audit))})</p>',
        f'<p class="verdict {audit.verdict}"><strong>{escape(say(lang, audit.verdict))}</strong>: '
        f"{escape(summary(audit))}</p>",
        *_faults(audit),
        *_mended(audit),
        *_picture(audit),
        *_listed(say(lang, "unexplained"), audit.unexplained),
        f"<h2>{escape(say(lang, 'table'))}</h2>",
        _table(audit),
        *_listed(say(lang, "forward"), forward_sentences(audit)),
        *_listed(say(lang, "warnings"), audit.warnings),
        *_listed(say(lang, "others"), others(audit)),
        f'<p class="dim">gated {gated.__version__} · {escape(say(lang, "seconds", audit.seconds))}</p>',
    ]
    title = escape(say(lang, "title", name))
    return (
        f'<!doctype html>\n<html lang="{"zh-Hans" if lang == "zh" else "en"}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _faults(audit: Audit) -> list[str]:
    if not audit.faults:
        return []
    source = read_source(audit.path)
    found = [f"<h2>{escape(say(audit.lang, 'faults'))}</h2>"]
    found += (_fault(number, fault, audit.lang, source) for number, fault in enumerate(audit.faults, 1))
    if any(fault.right for fault in audit.faults):
        found.append(f'<p class="dim">{escape(say(audit.lang, "notation"))}</p>')
    return found


def _fault(number: int, fault: Fault, lang: str, source: list[str]) -> str:
    where = place(lang, fault.lines)
    parts = [
        f'<h3><span class="bad">{number}. {escape(say(lang, fault.kind))}</span> '
        f'<span class="dim">{fault.kind}{" · " + escape(where) if where else ""}</span></h3>',
        f"<p>{escape(fault.text)}</p>",
    ]
    if fault.right:
        parts.append(
            '<div class="wide"><table class="formulas">'
            f'<tr class="should"><th>{escape(say(lang, "should"))}</th><td>{mathml(fault.right)}</td></tr>'
            f'<tr class="theirs"><th>{escape(say(lang, "theirs"))}</th><td>{mathml(fault.theirs)}</td></tr>'
            "</table></div>"
        )
    if fault.legend:
        formulas = ", ".join(map(mathml, fault.legend))
        parts.append(f'<p class="dim">{escape(say(lang, "with", chr(0))).replace(chr(0), formulas)}</p>')
    parts += _code(fault.lines, source)
    if fault.where:
        names = ", ".join(f"<code>{escape(name)}</code>" for name in fault.where)
        parts.append(f'<p class="dim">{escape(say(lang, "spoils"))}: {names}</p>')
    if not fault.certain:
        parts.append(f'<p class="dim">{escape(say(lang, "perhaps"))}</p>')
    return f'<div class="fault">{"".join(parts)}</div>'


def _code(lines: tuple[int, ...], source: list[str]) -> list[str]:
    """The lines of a fault with those around them."""
    shown = sorted({k for line in lines for k in range(line - AROUND, line + AROUND + 1) if 0 < k <= len(source)})
    if not shown:
        return []
    written = []
    for k in shown:
        hit = ' class="hit"' if k in lines else ""
        written.append(f'<span class="number">{k:>4}  </span><span{hit}>{escape(source[k - 1])}</span>')
    return ["<pre>" + "\n".join(written) + "</pre>"]


def _mended(audit: Audit) -> list[str]:
    if not audit.diff:
        return []
    return [f"<h2>{escape(say(audit.lang, 'changes'))}</h2><pre>{escape(audit.diff)}</pre>"]


def _picture(audit: Audit) -> list[str]:
    lang, picture = audit.lang, svg(audit.roads, say(audit.lang, "roads"))
    if not picture:
        return []
    return [
        f'<h2>{escape(say(lang, "roads"))}</h2><p class="dim">{escape(say(lang, "roads_text"))}</p>',
        f'<div class="wide">{picture}</div>',
    ]


def _table(audit: Audit) -> str:
    lang = audit.lang
    heads = "".join(f"<th>{escape(say(lang, word))}</th>" for word in ("gradient", "verdict", "error", "step"))
    rows = []
    for row in audit.gradients:
        verdict = {True: ("good", "ok"), False: ("bad", "bad"), None: ("dim", "not_given")}[row.right]
        error = "" if row.right is None else f"{row.relative_error:.1e}"
        rows.append(
            f'<tr><td><code>{escape(row.name)}</code></td><td class="{verdict[0]}">{escape(say(lang, verdict[1]))}</td>'
            f'<td class="number">{error}</td><td class="number">{row.worst_step or ""}</td></tr>'
        )
    return f'<div class="wide"><table><tr>{heads}</tr>{"".join(rows)}</table></div>'


def _listed(head: str, sentences: list[str] | tuple[str, ...]) -> list[str]:
    if not sentences:
        return []
    return [f"<h2>{escape(head)}</h2><ul>{''.join(f'<li>{escape(s)}</li>' for s in sentences)}</ul>"]
