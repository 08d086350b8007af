"""A category that is blank, a word for nothing or a bare number is missing in disguise, in a few rows already."""

from __future__ import annotations

import pytest
from sensor_stream import FEATURES, changed, pair

from ratoon.monitors.quality import Quality
from ratoon.spec.keys.watching import QualitySpec


@pytest.mark.parametrize("word", ["", " ", "\u00a0", "null", "-1", "-999", "0", "#N/A"])
def test_a_stand_in_for_a_category_fails(word: str) -> None:
    reference, current = pair()
    blank = changed(current, weather=current.frame["weather"].where(current.frame.index % 40 > 0, word))

    found = Quality(QualitySpec(), FEATURES)(reference, blank)

    assert ("new_categories", "weather", "fail") in {(s.metric, s.column, s.status) for s in found}


@pytest.mark.parametrize("word", ["", "-1"])
def test_one_that_was_there_before_is_a_category(word: str) -> None:
    windows = [changed(each, weather=each.frame["weather"].where(each.frame.index % 40 > 0, word)) for each in pair()]

    found = Quality(QualitySpec(), FEATURES)(*windows)

    assert not [s for s in found if s.column == "weather" and s.status == "fail"]


def test_codes_among_codes_are_new_ones_only() -> None:
    """Of shops that are numbered a new one is no word for nothing."""
    codes = {"clear": "11", "cloud": "12", "rain": "13", "storm": "14"}
    reference, current = (changed(each, weather=each.frame["weather"].map(codes)) for each in pair())
    opened = changed(current, weather=current.frame["weather"].where(current.frame.index % 40 > 0, "15"))

    found = Quality(QualitySpec(), FEATURES)(reference, opened)

    assert not [s for s in found if s.column == "weather" and s.status == "fail"]
