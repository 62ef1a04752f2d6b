"""An audit as one HTML file: nothing is loaded from elsewhere, nothing runs in it."""

from __future__ import annotations

from html import escape
from pathlib import Path

import gated
from gated.audit.pages.drawing import svg
from gated.audit.pages.mathml import mathml
from gated.audit.pages.terminal import read_source
from gated.audit.pages.words import forward_sentences, place, say, summary
from gated.audit.verdict import Audit, Fault

AROUND = 2  # lines of their code shown before and after a fault

STYLE = """
:root { --text: #1f2328; --dim: #59636e; --line: #d1d9e0; --good: #116329; --bad: #c1121f; --soft: #f6f8fa; --paper: #fff }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --good: #3fb950; --bad: #ff6b6b; --soft: #151b23;
          --paper: #0d1117 }
}
body { font: 16px/1.55 system-ui, "Noto Sans", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: var(--text);
       background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin-top: 2rem }
h1 code { font-size: inherit }
.verdict { font-size: 1.1rem; padding: .6rem .9rem; border-left: 5px solid; background: var(--soft) }
.verdict.right { border-color: var(--good) } .verdict.wrong { border-color: var(--bad) }
.verdict.unknown { border-color: var(--dim) }
.dim { color: var(--dim) } .good { color: var(--good) } .bad { color: var(--bad) }
.wide { overflow-x: auto }
table { border-collapse: collapse } th, td { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line) }
td.number { text-align: right; font-variant-numeric: tabular-nums }
code, pre { font-family: ui-monospace, "SF Mono", Consolas, "Noto Sans Mono", monospace; font-size: .9rem }
pre { background: var(--soft); padding: .6rem; overflow-x: auto; margin: .5rem 0 }
pre .hit { color: var(--bad); font-weight: 600 } pre .number { color: var(--dim); user-select: none }
.fault { border: 1px solid var(--line); border-radius: 6px; padding: .2rem 1rem .8rem; margin: 1rem 0 }
.fault h3 { font-size: 1rem; margin: .6rem 0 .3rem } .fault p { margin: .3rem 0 }
.formulas th { font-weight: normal; color: var(--dim); border: 0 } .formulas td { border: 0 }
math { font-size: 1.12rem } .should math { color: var(--good) } .theirs math { color: var(--bad) }
svg.roads { max-width: 100%; height: auto; min-width: 46rem; font-family: inherit }
svg .box { fill: var(--soft); stroke: var(--dim) } svg .name { text-anchor: middle; font-size: 15px; fill: var(--text) }
svg .road { fill: none; stroke: var(--dim); stroke-width: 1.3 } svg .tip.right { fill: var(--dim) }
svg .road.missing { stroke: var(--bad); stroke-width: 2.4; stroke-dasharray: 7 5 }
svg .road.wrong, svg .road.extra { stroke: var(--bad); stroke-width: 2.4 }
svg .tip.missing, svg .tip.wrong, svg .tip.extra { fill: var(--bad) }
svg .label { text-anchor: middle; font-size: 12.5px; fill: var(--dim); paint-order: stroke; stroke: var(--paper);
             stroke-width: 4px } svg .label.theirs { fill: var(--bad) } svg .label.should { fill: var(--good) }
"""


def as_html(audit: Audit) -> str:
    """The whole page, with the table, the faults with their formulas and lines, and the picture of the roads."""
    lang = audit.lang
    name = Path(audit.path).name
    parts = [
        f"<h1>{escape(say(lang, 'title', ''))}<code>{escape(name)}</code></h1>",
        f'<p class="dim">{escape(", ".join(audit.where))} ({escape(audit.style)})</p>',
        f'<p class="verdict {audit.verdict}"><strong>{escape(say(lang, audit.verdict))}</strong>: '
        f"{escape(summary(audit))}</p>",
        *_faults(audit),
        *_picture(audit),
        *_listed(say(lang, "unexplained"), audit.unexplained),
        f"<h2>{escape(say(lang, 'table'))}</h2>",
        _table(audit),
        *_listed(say(lang, "forward"), forward_sentences(audit)),
        *_listed(say(lang, "warnings"), audit.warnings),
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


def _picture(audit: Audit) -> list[str]:
    lang, picture = audit.lang, svg(audit.roads, say(audit.lang, "roads"))
    if not picture:
        return []
    return [
        f"<h2>{escape(say(lang, 'roads'))}</h2><p class=\"dim\">{escape(say(lang, 'roads_text'))}</p>",
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
