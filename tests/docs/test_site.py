"""The site is built without a warning, names every page and every public thing, and asks nobody else for anything."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import ROOT, load, read

pytest.importorskip("mkdocs")
pytest.importorskip("mkdocstrings_handlers.python")
reference, hooks = load("reference"), load("site_hooks")
PLACES: dict[str, list[str]] = json.loads((ROOT / "tests" / "house" / "places.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **nowhere}, capture_output=True, text=True, timeout=250)
    output = done.stdout + done.stderr
    assert done.returncode == 0 and not re.search("WARNING|ERROR", output), output
    return folder


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    ids: dict[str, set[str]] = {}
    for module in reference.entries():
        html = (site / reference.address(module).replace(".md", ".html")).read_text(encoding="utf-8")
        ids[module] = set(re.findall(r'\bid="([^"]+)"', html))
    every = [(module, entry) for module, own in reference.entries().items() for entry in own]
    missing = [entry.public for module, entry in every if entry.public not in ids[module]]
    found = {id(entry.thing) for _, entry in every}
    wanted = {place: names for place, names in PLACES.items() if place not in reference.OLD}
    wanted |= {module: [*names, *wanted.get(module, [])] for module, names in reference.modules().items()}
    for place, names in wanted.items():
        module = importlib.import_module(place)
        missing += [f"{place}.{name}" for name in names if id(getattr(module, name)) not in found and name != "runtime"]
    assert not missing


def test_the_reference_knows_what_is_exported_later(monkeypatch: pytest.MonkeyPatch) -> None:
    import gated.backends

    monkeypatch.setattr(gated.backends, "__all__", [*gated.backends.__all__, "MAKERS"])
    assert "MAKERS" in reference.modules()["gated.backends"]


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r"- (\S+\.md)$", read("mkdocs.yml"), re.MULTILINE))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert named == pages | {place for place in hooks.OUTSIDE.values() if place.endswith(".md")}


def test_nothing_is_asked_for_elsewhere(site: Path) -> None:
    for file in site.rglob("*.html"):
        html = file.read_text(encoding="utf-8")
        asked = re.findall(r'<(?:script|img|iframe)[^>]* src="(\w*://[^"]+|//[^"]+)', html)
        asked += [link for link in re.findall(r"<link[^>]*>", html) if "://" in link]
        assert not asked, file.name
    for file in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", file.read_text(encoding="utf-8")), file.name


def test_links_of_the_repository_are_those_of_the_site(site: Path) -> None:
    assert 'href="reference/gated.cells.html"' in (site / "cells.html").read_text(encoding="utf-8")
    assert 'href="index.zh.html"' in (site / "guide.zh.html").read_text(encoding="utf-8")
    assert 'href="guide.html#train-it-on-text"' in (site / "index.html").read_text(encoding="utf-8")
    assert hooks.site_link("../src/gated/nn/layer.py", "guide.md") == "reference/gated.nn.md"
    assert hooks.site_link("docs/native.md", "index.md") == "native.md"
    assert hooks.site_link("https://keepachangelog.com", "changelog.md") == "https://keepachangelog.com"
    text = "[a](../README.md#limits)\n\n```text\n[a](../README.md)\n```\n"
    assert hooks.moved(text, "guide.md") == text.replace("(../README.md#", "(index.md#")


def test_a_page_in_chinese_is_chinese_around_it_too(site: Path) -> None:
    chinese, english = ((site / name).read_text(encoding="utf-8") for name in ("guide.zh.html", "guide.html"))
    assert '<html lang="zh"' in chinese and 'hreflang="en"' in chinese and "目录" in chinese
    assert '<html lang="en"' in english and re.search(r'href="guide\.zh\.html" hreflang="zh"', english)
