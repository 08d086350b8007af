"""What cannot be measured is a signal of its own, holds training and alerts: nothing measured is no health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ratoon.loop.champion import Champion, champion_as_of
from ratoon.loop.context import ModelContext
from ratoon.loop.excluded import broken_spans
from ratoon.loop.observe.watch import watch
from ratoon.loop.observe.windows import read_windows
from ratoon.loop.turn import Turn
from ratoon.models.learning.trained import Trained
from ratoon.policy.triage.triage import triage
from ratoon.spec.errors import Refused
from ratoon.spec.values import Decision, History

from .small_streams import DAY, START, moments, serving, spec_of

DAYS, A_DAY, SILENT = 90, 60, 70


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelContext]:
    """A first version at day 50; labels take two days, and none comes any more from day 70 on."""
    rng, at = np.random.default_rng(1), moments(DAYS, A_DAY)
    a, told = rng.normal(size=len(at)), at + 2 * DAY
    y = pd.Series(a + rng.normal(0, 0.5, len(at)) > 0).astype("Int64").where(told <= START + SILENT * DAY)
    rows = pd.DataFrame({"at": at, "y": y, "told": told.where(y.notna()), "a": a, "b": rng.normal(size=len(at))})
    spec = spec_of(tmp_path_factory.mktemp("mute"), rows, "label_time: told, features: [a, b]")
    with serving(spec, 50) as opened:
        yield opened


class Strange:
    """An estimator whose answers are made of a sound one's."""

    def __init__(self, sound: object, prediction, score) -> None:
        self.sound, self._prediction, self._score = sound, prediction, score

    def predict(self, X):
        return self._prediction(self.sound.predict(X))

    def predict_proba(self, X):
        return self._score(self.sound.predict_proba(X))


def same(answer):
    return answer


def raises(answer):
    raise KeyError("a column that the model never saw")


def nan(answer):
    return np.full_like(answer, np.nan, dtype=float)


def partly_nan(answer):
    return np.where(np.arange(len(answer))[:, None] % 20 == 0, np.nan, answer)


STRANGE = {
    "it raises": (raises, same),
    "scores raise": (same, raises),
    "no numbers": (same, nan),
    "no numbers for some": (same, partly_nan),
    "too few answers": (lambda a: a[:-1], same),
    "too few scores": (same, lambda a: a[:-1]),
    "one score column": (same, lambda a: a[:, :1]),
    "scores of other classes": (same, lambda a: np.column_stack([a, a[:, 0]])),
    "other classes": (lambda a: a + 7, same),
}


def strange(champion: Champion, how: str) -> Champion:
    trained = champion.trained
    return replace(champion, trained=replace(trained, estimator=Strange(trained.estimator, *STRANGE[how])))


def seen(context: ModelContext, champion: Champion, day: int) -> dict[str, str]:
    signals = watch(
        context, champion, read_windows(context.source.as_of(START + day * DAY), context.spec, champion), pages=False
    )
    return {s.metric: s.status for s in signals.signals if s.column is None}


@pytest.mark.parametrize("how", sorted(STRANGE))
def test_a_champion_that_cannot_predict_the_window_says_so(context, how):
    champion = champion_as_of(context, START + 65 * DAY)

    assert "unpredicted" not in seen(context, champion, 65)
    assert seen(context, strange(champion, how), 65)["unpredicted"] == "fail"


@pytest.mark.parametrize("how", ["one score column", "other classes", "too few scores"])
def test_answers_of_another_shape_or_class_are_refused(context, how):
    champion = strange(champion_as_of(context, START + 65 * DAY), how)
    rows = context.source.as_of(START + 65 * DAY).holdout(None, limit=50)
    trained: Trained = champion.trained

    with pytest.raises(Refused):
        trained.predict(rows)


def decided(context: ModelContext, day: int, how: str | None = None) -> Decision:
    champion = champion_as_of(context, START + day * DAY)
    turn = Turn(context, champion if how is None else strange(champion, how), START + day * DAY)
    context.ledger.decisions.record(turn.asked, turn.signals, policy=context.spec.deciding, run=None, live=True)
    return turn.asked


def test_labels_that_fall_silent_hold_training_and_alert(context):
    before, after = decided(context, 69), decided(context, 85)

    assert before.triage.verdict == "healthy"
    assert after.triage.verdict == "broken_data" and after.action == "alert"
    assert "label_silence" in after.facts["quality"]["failed"]


def test_rows_that_nothing_speaks_against_stay_in_training(context):
    """It is the labels, or the champion, that fail; once they are back these rows are as good as any."""
    decided(context, 86)

    assert broken_spans(context.ledger.decisions.evaluations(context.spec.model, before=START + 87 * DAY)) == ()


def test_a_performance_that_cannot_be_measured_look_after_look_is_said(context):
    """A version that never answers: at the fifth look in a row, over a week, it is a signal of its own."""
    statuses = []
    for day in (71, 73, 75, 77, 79, 81):
        champion = strange(champion_as_of(context, START + day * DAY), "it raises")
        turn = Turn(context, champion, START + day * DAY)
        context.ledger.decisions.record(turn.asked, turn.signals, policy=context.spec.deciding, run=None, live=True)
        statuses.append({s.metric: s.status for s in turn.signals}.get("unmeasured"))

    assert statuses[:4] == [None] * 4
    assert statuses[-1] == "fail"


def test_no_verdict_is_healthy_where_nothing_was_measured():
    assert triage((), History(model="m", champion="1"), load_default()).verdict == "unsure"


def load_default():
    from ratoon.spec.keys.rules import Policy, default_policy

    return Policy(rules=default_policy("required"), metric="roc_auc", every=DAY)
