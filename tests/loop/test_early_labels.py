"""Positives' labels come at once, negatives' after 30 days: what is learned and judged, without the key and with."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratoon.cli.commands.check import check_spec
from ratoon.loop.champion import champion_as_of
from ratoon.loop.context import ModelContext
from ratoon.loop.excluded import broken_spans
from ratoon.loop.observe.served import not_learned
from ratoon.loop.observe.watch import watch
from ratoon.loop.observe.windows import read_windows
from ratoon.loop.turn import Turn
from ratoon.models.families.choose import learner_for
from ratoon.spec.errors import ContractBroken

from .small_streams import DAY, START, moments, serving, spec_of

RATE = 0.2


def cared(folder: Path, key: str) -> AbstractContextManager[ModelContext]:
    """A first version at day 60 that serves since."""
    rng, at = np.random.default_rng(0), moments(120, 100)
    n = len(at)
    y = (rng.uniform(size=n) < RATE).astype(int)
    told = at + pd.to_timedelta(np.where(y == 1, 0.01, 30), unit="D")
    rows = pd.DataFrame({"at": at, "y": y, "told": told, "a": y + rng.normal(0, 1, n), "b": rng.normal(size=n)})
    return serving(spec_of(folder, rows, f"{key} label_time: told, features: [a, b]"), 60)


def seen(context: ModelContext, day: int):
    now = START + day * DAY
    champion = champion_as_of(context, now)
    found = read_windows(context.source.as_of(now), context.spec, champion)
    signals = {s.metric: s for s in watch(context, champion, found, pages=False).signals if s.monitor == "performance"}
    return found, signals


def test_without_the_key_learning_is_biased_and_the_detector_says_so(tmp_path):
    with cared(tmp_path / "p", "") as context:
        rows = context.source.as_of(START + 60 * DAY).learned(START + 60 * DAY, START + 45 * DAY)
        _, signals = seen(context, 100)
        checked = {f.what: f for f in check_spec(context.spec)}

    assert len(rows) and rows.loc[rows["_time"] > START + 45 * DAY, "_target"].mean() == 1.0
    assert signals["label_delay_bias"].status == "fail"
    assert signals["label_delay_bias"].value == pytest.approx(1.0, abs=0.05)
    assert "data.mature_after: 30d" in signals["label_delay_bias"].note
    assert checked["data.mature_after"].status == "warn"


def test_with_the_key_learning_and_judging_see_the_true_rate(tmp_path):
    with cared(tmp_path / "p", "mature_after: 30d,") as context:
        view = context.source.as_of(START + 100 * DAY)
        learned, held = view.learned(START + 100 * DAY, START + 60 * DAY), view.holdout(START + 60 * DAY)
        found, signals = seen(context, 100)
        champion = champion_as_of(context, START + 100 * DAY).trained
        checked = [f.what for f in check_spec(context.spec)]

    assert learned["_target"].mean() == pytest.approx(RATE, abs=0.03)
    assert held["_target"].mean() == pytest.approx(RATE, abs=0.05)
    assert learned["_time"].max() <= pd.Timestamp(START + 70 * DAY)
    assert (found.outcomes.target == 1).mean() == pytest.approx(RATE, abs=0.06)
    assert found.performance.end == START + 70 * DAY and found.coverage == 1.0
    assert champion.state.watermark == START + 60 * DAY and champion.state.mature_after == 30 * DAY
    assert "label_delay_bias" not in signals  # whole cohorts come of age together: nothing left to compare
    assert "data.mature_after" not in checked


def test_without_the_key_nothing_is_trained_and_a_person_is_told(tmp_path):
    """What judges a version is as biased as what it learned, so that no gate can refuse it."""
    verdicts = {}
    for key in ("", "mature_after: 30d,", "mature_after: 10d,"):
        with cared(tmp_path / f"p{len(verdicts)}", key) as context:
            now = START + 100 * DAY
            turn = Turn(context, champion_as_of(context, now), now)
            verdicts[key] = (turn.asked.triage.verdict, turn.asked.action, turn.asked.facts["quality"]["failed"])
            context.ledger.decisions.record(turn.asked, turn.signals, policy=context.spec.deciding, run=None, live=True)
            assert broken_spans(context.ledger.decisions.evaluations(context.spec.model, before=now + DAY)) == ()

    for key in ("", "mature_after: 10d,"):
        assert verdicts[key] == ("broken_data", "alert", ["label_delay"])
    assert verdicts["mature_after: 30d,"][0] == "healthy"


def test_a_changed_age_is_a_matter_for_scratch_and_only_sure_rows_judge(tmp_path):
    with cared(tmp_path / "p", "") as context:
        old = champion_as_of(context, START + 61 * DAY).trained
    with cared(tmp_path / "q", "mature_after: 30d,") as context:
        rows = context.source.as_of(START + 100 * DAY).unlearned(old.state.watermark)
        with pytest.raises(ContractBroken, match=r"data\.mature_after was 0s when it learned, is 30d"):
            old.state.check_mature_after(context.spec.data.matured)
        sure = rows[not_learned(old, rows, context.spec)]

    assert learner_for(old.estimator, context.spec) is not None
    assert 0 < len(sure) < len(rows)
    assert sure["_time"].min() > pd.Timestamp(old.state.watermark)
    assert replace(old, state=old.state.model_copy(update={"mature_after": 30 * DAY})).state.mature_after == 30 * DAY
