"""The age from which a label counts: settled before the first version learns, and kept by its lineage."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratoon.backtest.backtest import run_backtest
from ratoon.cli.commands.check import check_spec
from ratoon.data.source import open_source
from ratoon.loop.champion import find_champion
from ratoon.loop.context import open_context
from ratoon.loop.learn.cohorts import settled, whole_cohorts
from ratoon.loop.learn.first import first_version, train_first
from ratoon.spec.duration import format_duration
from ratoon.spec.model import Spec

from .small_streams import DAY, START, moments, spec_of

NOW = START + 60 * DAY


def spec_with(folder: Path, delay: str, key: str = "") -> Spec:
    """A stream of 120 days whose labels come after *delay*: `early` (those of ones at once), `fair` or `numbers`."""
    rng, at = np.random.default_rng(0), moments(120, 60)
    n = len(at)
    y = (rng.uniform(size=n) < 0.3).astype(int)
    days = {
        "early": np.where(y == 1, 0.01, 20 + rng.uniform(0, 4, n)),
        "late": np.where(y == 1, 20 + rng.uniform(0, 4, n), 0.01),
        "fair": rng.uniform(0, 20, n),
        "fixed": np.full(n, 20.0),
    }[delay]
    told = at + pd.to_timedelta(days, unit="D")
    rows = pd.DataFrame({"at": at, "y": y, "told": told, "a": y + rng.normal(0, 1, n), "b": rng.normal(size=n)})
    return spec_of(folder, rows, f"{key} label_time: told, features: [a, b]")


def age_of(spec: Spec) -> timedelta | None:
    with open_source(spec) as source:
        return settled(spec, source, NOW).data.mature_after


@pytest.mark.parametrize("delay", ["early", "late"])
def test_labels_that_come_early_and_are_not_like_the_others_wait_for_their_cohort(tmp_path, delay):
    age = age_of(spec_with(tmp_path / "p", delay))
    assert age is not None and 23 * DAY <= age <= 25 * DAY


@pytest.mark.parametrize("delay", ["fair", "fixed"])
def test_fair_labels_count_as_they_come(tmp_path, delay):
    assert age_of(spec_with(tmp_path / "p", delay)) is None


@pytest.mark.parametrize(("key", "age"), [("mature_after: 0s,", timedelta(0)), ("mature_after: 10d,", 10 * DAY)])
def test_a_spec_that_says_it_is_obeyed(tmp_path, key, age):
    assert age_of(spec_with(tmp_path / "p", "early", key)) == age


def test_the_lineage_keeps_the_age_and_the_next_opening_counts_by_it(tmp_path):
    spec = spec_with(tmp_path / "p", "early")
    with open_context(spec) as opened, whole_cohorts(opened, NOW) as context:
        train_first(context, NOW, lambda context, now, claim: first_version(context, now, claim=claim).number)
    with open_context(spec) as context:
        champion = find_champion(context)
        learned = context.source.as_of(NOW).learned(NOW)
        said = context.registry.champion().description
    checked = [each.what for each in check_spec(spec) if each.status != "ok"]

    age = champion.trained.state.mature_after
    assert age >= 23 * DAY and context.spec.data.matured == age
    assert learned["_time"].max() <= pd.Timestamp(NOW - age)
    assert learned["_target"].mean() == pytest.approx(0.3, abs=0.04)
    assert format_duration(age) in said
    assert "data.mature_after" not in checked


def test_check_names_the_age_before_there_is_a_version(tmp_path):
    found = {each.what: each for each in check_spec(spec_with(tmp_path / "p", "early"))}
    assert found["data.mature_after"].status == "warn"


def test_every_arm_of_a_backtest_counts_labels_alike(tmp_path):
    spec = spec_with(tmp_path / "p", "early")
    found = run_backtest(spec, workers=1, scratch=False, start=NOW, every=10 * DAY)
    arms = {arm.name: arm for arm in found.arms}

    assert arms["policy"].verdicts.get("broken_data", 0) == 0
    assert arms["policy"].quality.rows == arms["never"].quality.rows > 0
