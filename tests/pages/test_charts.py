"""The charts' room: one palette for pages and pictures, and pictures that draw nothing of what a text holds."""

from __future__ import annotations

import re
from importlib.resources import files
from xml.etree import ElementTree

import pytest

from ratoon.pages.charts.colours import IN_TURN, LIGHT
from ratoon.pages.charts.marks import MARKS, SHAPES
from ratoon.pages.charts.picture import Picture


def test_pages_and_pictures_have_the_same_colours() -> None:
    light = (files("ratoon.pages") / "page.css").read_text(encoding="utf-8").split("@media")[0]
    styled = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", light))
    assert LIGHT.items() <= styled.items()
    assert set(IN_TURN) <= LIGHT.keys()


def test_marks_differ_without_their_colours() -> None:
    assert len({(mark.symbol, mark.size) for mark in MARKS.values()}) == len(MARKS)
    assert {mark.shape for mark in MARKS.values()} <= SHAPES.keys()


@pytest.mark.parametrize("evil", ["</svg><script>evil()</script>", '" onload="evil()', "a & b <b>"])
def test_a_text_is_shown_as_it_is(evil: str) -> None:
    picture = Picture(evil, 300, 100)
    picture.text((10, 50), evil)
    picture.symbol((20, 50), "star", "blue", tells=evil)
    found = ElementTree.fromstring(picture.svg())
    assert [each.text for each in found.iter() if each.text].count(evil) == 4
    assert not [each for each in found.iter() if "script" in each.tag or "onload" in each.attrib]
