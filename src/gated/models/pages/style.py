"""Colours and rules of the pages and of the charts on them, by day and by night."""

from __future__ import annotations

from gated.learning.training.figures import COLOURS

PAGE = """
:root { --text: #1f2328; --dim: #59636e; --line: #d1d9e0; --good: #116329; --bad: #c1121f; --soft: #f6f8fa;
  --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --good: #3fb950;
  --bad: #ff6b6b; --soft: #151b23; --paper: #0d1117 } }
body { font: 16px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: var(--text);
  background: var(--paper); max-width: 66rem; margin: 2rem auto; padding: 0 1rem }
a { color: var(--own) } h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
h3 { font-size: 1rem; margin: 1.4rem 0 .2rem }
.dim { color: var(--dim) } .good { color: var(--good) } .bad { color: var(--bad) } .wide { overflow-x: auto }
table { border-collapse: collapse } th, td { text-align: left; padding: .15rem .8rem .15rem 0 }
.scores td, .scores th { border-bottom: 1px solid var(--line) } .scores td { font-variant-numeric: tabular-nums }
"""


CURVES = len(COLOURS)  # that have a colour each


def curve(k: int) -> str:
    """The kind of the k-th of many curves, which have colours that the colour-blind tell apart."""
    return f"curve{k % len(COLOURS)}"


# the black one takes the text's colour, to be seen by night too
_CURVES = {curve(k): "var(--text)" if own == "#000000" else own for k, own in enumerate(COLOURS)}

CHARTS = f"""
:root {{ --own: #0b62a3; --other: #b45309; --truth: #1f2328; --aim: var(--dim);
  {" ".join(f"--{kind}: {colour};" for kind, colour in _CURVES.items())} }}
@media (prefers-color-scheme: dark) {{ :root {{ --own: #58a6ff; --other: #f0a860; --truth: #e6edf3 }} }}
svg.chart {{ display: block; width: 100%; height: auto; font: 12px system-ui, "Noto Sans", "Noto Sans CJK SC",
  sans-serif }}
svg.chart text {{ fill: var(--dim) }} svg.chart .grid {{ stroke: var(--line); stroke-width: 1 }}
svg.chart .line {{ fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round }}
svg.chart .truth {{ stroke: var(--truth) }} svg.chart .own {{ stroke: var(--own); stroke-width: 2 }}
svg.chart .other {{ stroke: var(--other); stroke-dasharray: 5 4 }}
svg.chart .aim {{ stroke: var(--aim); stroke-width: 1; stroke-dasharray: 2 3 }}
svg.chart .band {{ fill: var(--own); opacity: .16 }} svg.chart .dot {{ fill: none; stroke-width: 1.8 }}
svg.chart .now {{ stroke: var(--dim); stroke-width: 1; stroke-dasharray: 3 3 }}
svg.chart image {{ image-rendering: pixelated }} svg.chart {{ overflow: visible }}
svg.chart polyline, svg.chart line {{ vector-effect: non-scaling-stroke }}
@media (max-width: 60rem) {{ svg.broad {{ font-size: 15px }} svg.broad .below {{ transform: translateY(3px) }} }}
@media (max-width: 36rem) {{ svg.broad {{ font-size: 23px; margin-bottom: .7rem; overflow: visible }}
  svg.broad .below {{ transform: translateY(9px) }} svg.broad .spare {{ display: none }} }}
@media (prefers-color-scheme: dark) {{ svg.chart image {{ filter: brightness(1.7) }} }}
{" ".join(f"svg.chart .{kind} {{ stroke: var(--{kind}) }}" for kind in _CURVES)}
.key {{ font-size: .85rem; color: var(--dim); margin: .2rem 0 .6rem }} .key b {{ font-weight: 600 }}
.key span {{ white-space: nowrap; margin-right: 1.1em }}
.key i {{ display: inline-block; width: 1.4em; height: .6em; margin-right: .35em }}
"""
