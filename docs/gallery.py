"""The gallery: what the audit says of every wrong program that the tests have, in English and Chinese.

python docs/gallery.py            write docs/gallery.md and docs/gallery.zh.md; some minutes
python docs/gallery.py --check    say whether they would change
"""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from tests.audit.specimens.table import HERE, SPECIMENS, Specimen  # noqa: E402

import gated  # noqa: E402
from gated.audit.pages.words import say  # noqa: E402

HEADS = {
    "en": """# Wrong programs and what the audit says of them

[中文](gallery.zh.md) · [README](../README.md) · [Is my backprop right?](my-backprop.md)

Every entry is a right program with a few lines changed, and what `gated audit` says of the changed one: the faults that
explain all of its wrong numbers, each with the right formula and the one that was written. Many of these mistakes stand
in widely read texts. `python docs/gallery.py` writes this page.
""",
    "zh": """# 错误图鉴：程序错在哪里，审查怎么说

[English](gallery.md) · [README](../README.zh.md) · [我的反向传播对吗？](my-backprop.zh.md)

每一条都是把一个正确的程序改动几行，以及 `gated audit` 对改动后的程序的结论：
能解释全部错误数值的那些错误，各自附上应有的公式和写成的公式。
其中许多错误出自流传很广的文章。本页由 `python docs/gallery.py` 写成。
""",
}
RIGHT = {"en": "The gradients are right.", "zh": "梯度正确。"}


def page(entries: list[tuple[str, str]], lang: str) -> str:
    """The whole page, from (file, entry)."""
    parts, before = [HEADS[lang]], ""
    for number, (name, text) in enumerate(entries, 1):
        if name != before:
            parts.append(f"## [{name}.py](../tests/audit/specimens/right/{name}.py)\n")
            before = name
        parts.append(f"### {number}\n\n{text}")
    return "\n".join(parts)


def entry(specimen: Specimen, lang: str) -> str:
    """What was changed, and the faults."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{specimen.right}.py"
        path.write_text(specimen.text(), encoding="utf-8")
        audit = gated.audit.diagnose(path, specimen.only, lang=lang)
    lines = [f"```diff\n{changed(specimen)}\n```\n"]
    if audit.verdict == "right":
        lines += [RIGHT[lang], *(f"- {warning}" for warning in audit.warnings)]
    for fault in audit.faults:
        lines.append(f"- **{say(lang, fault.kind)}** (`{fault.kind}`) · {fault.text}")
        if fault.right:
            lines.append(f"    - {say(lang, 'should')}: {fault.right}")
            lines.append(f"    - {say(lang, 'theirs')}: {fault.theirs}")
        if fault.legend:
            lines.append(f"    - {say(lang, 'with', ', '.join(fault.legend))}")
    lines += [f"- {sentence}" for sentence in audit.unexplained]
    return "\n".join(lines) + "\n"


def changed(specimen: Specimen) -> str:
    """The lines that were changed, without those around them."""
    right = (HERE / "right" / f"{specimen.right}.py").read_text(encoding="utf-8").splitlines()
    compared = difflib.unified_diff(right, specimen.text().splitlines(), n=0, lineterm="")
    return "\n".join(line for line in compared if line[:2] not in ("--", "++", "@@"))


def pages() -> dict[str, str]:
    ordered = sorted(SPECIMENS, key=lambda s: (s.right, len(s.faults)))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = {lang: list(pool.map(entry, ordered, [lang] * len(ordered), chunksize=4)) for lang in ("en", "zh")}
    names = [specimen.right for specimen in ordered]
    return {
        f"docs/gallery{suffix}.md": page(list(zip(names, found[lang], strict=True)), lang)
        for lang, suffix in (("en", ""), ("zh", ".zh"))
    }


def main(arguments: list[str]) -> int:
    stale = 0
    for name, text in pages().items():
        file = ROOT / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale = 1
            print(name)
            if "--check" not in arguments:
                file.write_text(text, encoding="utf-8")
    return stale if "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
