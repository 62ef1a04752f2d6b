"""What mkdocs asks while it builds the site (`make docs`): the steps that its configuration cannot say.

The pages are read on GitHub and on the site, and link to each other by their places in the repository. Here those links
become places on the site: pages that lie beside docs/ come in under a name of their own, a link to a source file leads
to the reference of its module.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import reference
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = {  # the place in the repository, and on the site
    "README.md": "index.md",
    "README.zh.md": "index.zh.md",
    "CONTRIBUTING.md": "contributing.md",
    "CONTRIBUTING.zh.md": "contributing.zh.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "LICENSE.txt",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/results/results.md": "results.md",
    "benchmarks/results/results.png": "results.png",
    **{  # what the gallery's wrong programs are made from, as text that a browser shows
        path.relative_to(ROOT).as_posix(): f"specimens/{path.name}.txt"
        for path in sorted((ROOT / "tests" / "audit" / "specimens" / "right").glob("*.py"))
    },
}
REPOSITORY = {site: place for place, site in OUTSIDE.items()}
FENCED = re.compile(r"^(```|~~~).*?^\1[ ]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?(?=\))")


def on_config(config: Any) -> Any:
    """The pages of the reference enter the navigation under Reference."""
    (own,) = [part for part in config.nav if "Reference" in part]
    own["Reference"] = [{module: reference.address(module)} for module in reference.entries()]
    return config


def on_files(files: Any, config: Any) -> Any:
    """The pages beside docs/, and those of the reference."""
    for place, site in OUTSIDE.items():
        path = ROOT / place
        content = path.read_bytes() if path.suffix == ".png" else path.read_text(encoding="utf-8")
        files.append(File.generated(config, site, content=content))
    for module, own in reference.entries().items():
        files.append(File.generated(config, reference.address(module), content=reference.page(module, own)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """The links of the repository become those of the site."""
    here = page.file.src_uri
    return markdown if here.startswith(reference.FOLDER) else moved(markdown, here)


def moved(markdown: str, here: str) -> str:
    """A page with its links; what is fenced stays as it is."""
    parts, end = [], 0
    for fenced in [*FENCED.finditer(markdown), None]:
        text = markdown[end : fenced.start() if fenced else None]
        parts.append(LINK.sub(lambda match: site_link(match["target"], here) + (match["anchor"] or ""), text))
        if fenced:
            parts.append(fenced[0])
            end = fenced.end()
    return "".join(parts)


def site_link(target: str, here: str) -> str:
    """A link of the page at this place on the site, as the repository has it, as the site has it."""
    if "://" in target or target.startswith("mailto:"):
        return target
    place = posixpath.normpath(posixpath.join(posixpath.dirname(REPOSITORY.get(here, f"docs/{here}")), target))
    if place.startswith("src/gated"):
        found = _documented(place.removeprefix("src/").removesuffix(".py").replace("/", "."))
    else:
        found = OUTSIDE.get(place, place.removeprefix("docs/"))
    return posixpath.relpath(found, posixpath.dirname(here) or ".")


def _documented(module: str) -> str:
    """The page of the reference for a module: its own, or that of what it lies in."""
    while module not in reference.entries():
        module = module.rpartition(".")[0]
    return reference.address(module)


def on_page_context(context: Any, page: Any, config: Any, nav: Any) -> Any:
    """The words around a page in its language, and the page in the other language one click away."""
    here = page.file.src_uri
    chinese = here.endswith(".zh.md")
    config.theme["language"] = "zh" if chinese else "en"
    twin = here.replace(".zh.md", ".md") if chinese else here.replace(".md", ".zh.md")
    there = next((each for each in nav.pages if each.file.src_uri == twin), None)
    pair = {("中文" if chinese else "English"): page, ("English" if chinese else "中文"): there}
    config.extra["alternate"] = [
        {"name": name, "link": each.url, "lang": "zh" if name == "中文" else "en"}
        for name, each in sorted(pair.items())
        if each is not None and there is not None
    ]
    return context
