"""Harm is judged on what was served, by whichever version, also where labels outlive a champion."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from ratoon.loop.champion import Champion, champion_as_of
from ratoon.loop.context import ModelContext
from ratoon.loop.observe.served import Term, by_terms, terms
from ratoon.loop.observe.watch import watch
from ratoon.loop.observe.windows import ObservedWindows, read_windows
from ratoon.spec.errors import RegistryError

from .small_streams import DAY, START, moments, serving, spec_of, train

DAYS, A_DAY = 160, 60
TURNED = 100  # the day on which the label turns round


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelContext]:
    """Labels come after 30 days; a new champion every five days from day 60 on."""
    rng, at = np.random.default_rng(1), moments(DAYS, A_DAY)
    n = len(at)
    a, b = rng.normal(size=n), rng.normal(size=n)
    sign = np.where(np.arange(n) < TURNED * A_DAY, 1, -1)
    y = (sign * a + rng.normal(0, 0.5, n) > 0).astype(int)
    rows = pd.DataFrame({"at": at, "y": y, "told": at + 30 * DAY, "a": a, "b": b})
    spec = spec_of(tmp_path_factory.mktemp("late"), rows, "label_time: told, features: [a, b]")
    with serving(spec, 60) as opened:
        for day in range(65, DAYS, 5):
            train(opened, day)
        yield opened


def seen(context: ModelContext, day: int) -> tuple[Champion, ObservedWindows]:
    now = START + day * DAY
    champion = champion_as_of(context, now)
    return champion, read_windows(context.source.as_of(now), context.spec, champion)


@pytest.mark.parametrize("day", [68, 75, 100, 131, 155])
def test_no_look_reads_no_rows_where_labels_exist(context, day):
    _, found = seen(context, day)

    assert found.outcomes is not None
    assert len(found.outcomes) == pytest.approx(7 * A_DAY, abs=A_DAY + 1)
    assert found.left_out == ""


def test_the_first_looks_judge_what_the_first_version_has_not_learned(context):
    """Its own rows have no labels yet: the holdout, and rows whose labels came after it, are what there is."""
    _, found = seen(context, 62)

    assert 7 * A_DAY * 0.2 < len(found.outcomes) < 7 * A_DAY
    assert "rows that v1 has learned" in found.left_out


def test_rows_are_judged_by_the_versions_that_served_them(context):
    champion, found = seen(context, 120)
    span = found.performance
    served = terms(context, champion, START + 120 * DAY)

    assert span.end == START + 90 * DAY
    assert [t.since for t in served][:2] == [START + 60 * DAY, START + 65 * DAY]
    assert set(np.unique(found.outcomes.part)) == {0, 1}  # of 83 … 90: until day 85 one served, then another
    assert len(np.unique(found.outcomes.part)) < len(served)


def test_a_fall_of_what_was_served_is_harm_although_no_champion_lives_to_see_its_labels(context):
    champion, found = seen(context, TURNED + 37)

    drop = next(s for s in watch(context, champion, found, pages=False).signals if s.metric == "drop")

    assert drop.status == "fail"
    assert drop.value > 0.3


def test_a_row_that_its_version_has_learned_is_left_out_and_holdout_rows_are_not(context):
    """Before the first promotion the first version stands in, for what it did not learn."""
    now = START + 120 * DAY
    frame = context.source.as_of(now).learned(START + 50 * DAY)
    held = context.source.as_of(now).holdout(None, until=START + 50 * DAY)
    served = terms(context, champion_as_of(context, now), now)

    learned = by_terms(context.spec, served, frame, context.registry.load)
    kept = by_terms(context.spec, served, pd.concat([frame, held]), context.registry.load)

    assert learned.outcomes is None and f"{len(frame)} rows that v{served[0].version} has learned" in learned.note
    assert len(kept.outcomes) == len(held)


def test_a_version_that_no_longer_loads_is_left_out_by_name(context):
    champion, _ = seen(context, 120)
    now = START + 120 * DAY
    served = terms(context, champion, now)
    frame = context.source.as_of(now).window(seen(context, 120)[1].performance).frame
    asked: list[str] = []

    def load(version: str):
        asked.append(version)
        if version == served[5].version:
            raise RegistryError("its files are gone")
        return context.registry.load(version)

    found = by_terms(context.spec, served, frame, load)

    assert f"v{served[5].version}" in found.note and "its files are gone" in found.note
    assert 0 < len(found.outcomes) < len(frame)
    assert asked == [t.version for t in served[4:6]]


def test_a_promotion_counts_from_its_moment_on():
    served = (Term("1", START), Term("2", START + DAY))
    frame = pd.DataFrame(
        {"_time": pd.to_datetime([START - DAY, START + DAY, START + 2 * DAY]).astype("datetime64[us]")}
    )
    asked: list[tuple[str, int]] = []

    def load(version: str):
        asked.append((version, 0))
        raise RegistryError("not asked for in this test")

    found = by_terms(None, served, frame, load)

    assert [v for v, _ in asked] == ["1", "2"]
    assert "2 rows that v1 served" in found.note and "1 rows that v2 served" in found.note
