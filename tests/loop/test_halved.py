"""A change is learned and proven within one evaluation: half of its rows teach, the other half judges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratoon.loop.champion import champion_as_of
from ratoon.loop.context import ModelContext
from ratoon.loop.excluded import kept_out
from ratoon.loop.learn.halved import halved
from ratoon.loop.turn import Turn
from ratoon.spec.model import Spec

from .small_streams import DAY, START, moments, serving, spec_of

TURNS = 60  # the day on which the relation turns round


def turning(folder: Path, more: str = "") -> Spec:
    """200 rows a day, whose label is the sign of one feature, and of its opposite from that day on."""
    rng, at = np.random.default_rng(0), moments(80, 200)
    x = rng.normal(size=len(at))
    sign = np.where((at - START).dt.days < TURNS, 1, -1)
    rows = pd.DataFrame({"at": at, "x": x, "y": (sign * x + rng.normal(0, 0.3, len(at)) > 0).astype(int)})
    return spec_of(folder, rows, "label_delay: 1h", more=more)


def half_of(context: ModelContext, day: int, strategy: str = "warm"):
    now = START + day * DAY
    view, champion = context.source.as_of(now), champion_as_of(context, now)
    return halved(context.spec, view, champion, None, strategy, kept_out(()))


def test_no_row_that_judges_was_learned_and_nothing_is_kept(tmp_path):
    with serving(turning(tmp_path / "p"), TURNS) as context:
        found = half_of(context, TURNS + 2)
        view = context.source.as_of(START + (TURNS + 2) * DAY)
        new = view.unlearned(START + TURNS * DAY)
        versions = [each.number for each in context.registry.versions()]

    assert found.trained.state.watermark == found.cut
    assert found.rows["_label_time"].min() > pd.Timestamp(found.cut)
    assert found.rows["_holdout"].any()
    learned = new[new["_label_time"] <= pd.Timestamp(found.cut)]
    assert abs(2 * len(learned) - len(new)) <= 2
    assert versions == ["1"]


def test_the_evaluation_that_sees_a_change_proves_what_learning_it_gains(tmp_path):
    with serving(turning(tmp_path / "p"), TURNS) as context:
        now = START + (TURNS + 2) * DAY
        asked = Turn(context, champion_as_of(context, now), now).asked
        trials = [each for each in asked.basis.trials if each.role == "champion"]

    assert [(each.strategy, each.version, each.against) for each in trials] == [("warm", "1", "1")]
    assert trials[0].gain > 3 * trials[0].variance ** 0.5


def test_a_stream_without_change_gains_nothing_by_it(tmp_path):
    with serving(turning(tmp_path / "p"), 30) as context:
        now = START + 32 * DAY
        asked = Turn(context, champion_as_of(context, now), now).asked
        trials = [each for each in asked.basis.trials if each.role == "champion"]

    assert not asked.fires
    assert all(each.gain <= 0.01 for each in trials), trials


@pytest.mark.parametrize(
    ("more", "day", "strategy"),
    [
        ("mode: shadow\n", TURNS + 2, "warm"),
        ("", TURNS + 2, "scratch"),
        ("", TURNS, "warm"),  # no new row
    ],
)
def test_where_nothing_may_or_can_learn_there_is_no_such_trial(tmp_path, more, day, strategy):
    with serving(turning(tmp_path / "p", more), TURNS) as context:
        assert half_of(context, day, strategy) is None
