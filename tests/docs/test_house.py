"""What the page on architecture says and shows is the house as it is: order, imports, modules, roads."""

from __future__ import annotations

import functools
import re
import sys

import pytest

from .pages import ROOT, load, read

pytest.importorskip("matplotlib")
house_pictures, roads = load("house_pictures"), load("roads")
house = house_pictures.house
PAGES = ["docs/architecture.md", "docs/architecture.zh.md"]
seen = functools.cache(roads.seen)  # a watched call takes seconds


def table(page: str, kind: str) -> list[list[str]]:
    """The cells of a table of the page, row by row."""
    (text,) = re.findall(rf"<!-- house: {kind} -->\n(.*?)<!-- end of house -->", read(page), re.DOTALL)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_that_of_the_source_files(page: str) -> None:
    assert read(page) == house.filled(read(page), page), "run: python docs/build.py"


@pytest.mark.parametrize("page", PAGES)
def test_the_order_of_the_page_is_the_order_that_is_held(page: str) -> None:
    order = house.directions().ORDER
    assert [row[0].strip("`") for row in table(page, "packages")] == list(order)
    for name, _, imports in table(page, "packages"):
        for used in re.findall("`(.+?)`", imports):
            way = order.index(used) < order.index(name.strip("`"))
            assert way or (name, used) == ("`language`", "calculus"), f"{name} imports {used}"
    for folder, rooms in house.directions().ROOMS.items():
        assert [row[0].strip("`") for row in table(page, folder)] == list(rooms)


def test_every_package_and_room_has_its_words_and_nothing_else_has() -> None:
    assert set(house.PACKAGES) == set(house.directions().ORDER)
    assert {folder: tuple(rooms) for folder, rooms in house.ROOMS.items()} == house.directions().ROOMS


@pytest.mark.parametrize("suffix", ["", ".zh"])
@pytest.mark.parametrize("name", house_pictures.PICTURES)
def test_a_picture_shows_the_imports_that_there_are(name: str, suffix: str) -> None:
    file = ROOT / "docs" / "pictures" / f"house-{name}{suffix}.png"
    assert house_pictures.drawn(file) == house_pictures.text_of(name), "run: python docs/pictures.py"


def test_another_import_makes_a_picture_old(monkeypatch: pytest.MonkeyPatch) -> None:
    before = house_pictures.text_of("packages")
    monkeypatch.setattr(house.directions(), "edges", lambda *_: {"files": ["data"]})
    assert house_pictures.text_of("packages") != before


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a function does not know its class before Python 3.11")
@pytest.mark.parametrize("road", roads.ROADS)
def test_a_road_is_what_happens(road: str) -> None:
    if road == "command":
        pytest.importorskip("typer")
    assert roads.lost(roads.ROADS[road], seen(road)) == [], "mend the road in docs/roads.py"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a function does not know its class before Python 3.11")
def test_a_line_in_another_place_is_lost() -> None:
    found, road = seen("backward"), roads.ROADS["backward"]
    assert not roads.lost(road, found)
    first, pack, *rest = road
    below = roads.Line(2, pack.module, pack.name, "", "")
    for wrong in ([first, *rest, pack], [*road, first], [first, rest[0], below]):
        assert roads.lost(tuple(wrong), found), wrong
    nowhere = roads.Line(1, "nn.packing", "Packing.nowhere", "", "")
    assert roads.lost((first, nowhere, *rest), found) == ["nn.packing: Packing.nowhere"]
