"""How the HTML page looks, by day and by night."""

STYLE = """
:root { --text: #1f2328; --dim: #59636e; --line: #d1d9e0; --good: #116329; --bad: #c1121f; --soft: #f6f8fa;
        --paper: #fff }
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
.wide { overflow: auto hidden; padding: .15rem 0 }
table { border-collapse: collapse }
th, td { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line) }
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
