"""A team's own metrics: held to the same suite as Ratoon's, and one that fails has no value and no traceback."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics

from ratoon.data.metrics.conformance import faults, faults_of, made_outcomes
from ratoon.data.metrics.grouped import grouped_terms, trial_terms
from ratoon.data.metrics.metrics import METRICS, bootstrapped, interval
from ratoon.data.metrics.own import as_metric, metric_of
from ratoon.data.metrics.paired import bootstrapped_gain, paired_gain
from ratoon.data.metrics.terms import terms
from ratoon.loop.rehearsal import write_rehearsal
from ratoon.spec.errors import SpecError
from ratoon.spec.keys.metric import BUILT_IN_METRICS, METRICS_OF, RELATIVE
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.own_metric import declared_by

FILE = """
import sys
import numpy as np
from sklearn.metrics import fbeta_score, make_scorer, roc_auc_score, mean_pinball_loss

class Cost:
    name = "cost"
    greater_is_better = False
    response_method = "predict_proba"
    per_row = True
    tasks = ("binary",)

    def __init__(self, missed=20.0):
        self.missed = missed

    def __call__(self, y_true, y_score):
        return np.where(y_true == 1, self.missed * (y_score < 0.5), y_score >= 0.5)

class Area:
    name = "area"
    greater_is_better = True
    response_method = "predict_proba"
    bounds = (0, 1)
    tasks = ("binary",)

    def __call__(self, y_true, y_score):
        return roc_auc_score(y_true, y_score)

class Error:
    name = "error"
    greater_is_better = False
    per_row = True
    tasks = ("regression",)

    def __call__(self, y_true, y_pred):
        return np.abs(y_true - y_pred)

class Tops:
    name = "tops"
    greater_is_better = True
    response_method = "predict_proba"
    tasks = ("multiclass",)
    per_row = True

    def __call__(self, y_true, y_score, labels):
        return np.asarray(labels)[y_score.argmax(axis=1)] == y_true

class Hit:
    name = "hit"
    greater_is_better = True
    def __call__(self, y_true, y_pred):
        return (y_true == y_pred).mean()

class Raises(Hit):
    def __call__(self, y_true, y_pred):
        raise KeyError("amount")

class Leaves(Hit):
    def __call__(self, y_true, y_pred):
        sys.exit(0)

class Words(Hit):
    def __call__(self, y_true, y_pred):
        return "good"

class Rows(Hit):
    def __call__(self, y_true, y_pred):
        return y_true == y_pred

class Nan(Hit):
    def __call__(self, y_true, y_pred):
        return float("nan")

class Beyond(Hit):
    bounds = (0, 1)
    def __call__(self, y_true, y_pred):
        return 3.0

class Few(Hit):
    per_row = True
    def __call__(self, y_true, y_pred):
        return (y_true == y_pred)[1:]

class Sum(Hit):
    def __call__(self, y_true, y_pred):
        return int((y_true == y_pred).sum())

class Draws(Hit):
    def __call__(self, y_true, y_pred):
        return (y_true == y_pred).mean() + np.random.random()

class Turned(Hit):
    greater_is_better = False

class Ordered(Hit):
    def __call__(self, y_true, y_pred):
        return float(((y_true == y_pred) * np.linspace(0, 2, len(y_true))).mean())

class Changes(Hit):
    def __call__(self, y_true, y_pred):
        y_true[:] = y_true[0]
        return 1.0

class Nameless:
    greater_is_better = True
    def __call__(self, y_true, y_pred):
        return 1.0

class Taken(Hit):
    name = "roc_auc"

class Undirected(Hit):
    greater_is_better = "yes"

class Numbers(Hit):
    tasks = ("regression",)

class Backwards(Hit):
    bounds = (1, 0)

class Asks(Hit):
    response_method = "decision_function"

class Uncalled:
    name = "uncalled"

f2 = make_scorer(fbeta_score, beta=2)
pinball = make_scorer(mean_pinball_loss, greater_is_better=False, alpha=0.9)
"""


def own(folder: Path, metric: Any, task: str = "binary") -> Spec:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cost.py").write_text(FILE)
    written = metric if isinstance(metric, str) else str(metric)
    (folder / "spec.yaml").write_text(
        f"model: m\ntask: {task}\ndata: {{source: a.parquet, id: i, time: t, target: y, label_delay: 1d}}\n"
        f"learner: {{build: training.py:build}}\nmonitors: {{performance: {{metric: {written}}}}}\n"
    )
    return load_spec(folder / "spec.yaml")


@pytest.mark.parametrize(("task", "name"), [(task, name) for task, names in METRICS_OF.items() for name in names])
def test_ratoons_own_conform(task: str, name: str) -> None:
    assert faults_of(METRICS[name], task) == []


def test_every_list_of_metrics_is_of_the_same() -> None:
    assert set(METRICS) == BUILT_IN_METRICS == {name for names in METRICS_OF.values() for name in names}
    assert {name for name, metric in METRICS.items() if metric.relative} == RELATIVE


@pytest.mark.parametrize(
    ("kind", "task"),
    [("Cost", "binary"), ("Area", "binary"), ("Error", "regression"), ("Tops", "multiclass"), ("Hit", "multiclass")],
)
def test_a_teams_own_conforms(tmp_path: Path, kind: str, task: str) -> None:
    declared = own(tmp_path, f"cost.py:{kind}", task).own_metric
    assert declared is not None
    assert faults(declared, task) == []


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("Raises", "KeyError"), ("Leaves", "SystemExit"), ("Words", "'good'"), ("Rows", "one number"),
        ("Nan", "finite"), ("Beyond", "bounds"), ("Few", "each of 200"), ("Sum", "three times"),
        ("Draws", "second time"), ("Turned", "greater_is_better"), ("Ordered", "another order"),
    ],
)  # fmt: skip
def test_the_conformance_suite_names_what_is_wrong(tmp_path: Path, kind: str, fault: str) -> None:
    declared = own(tmp_path, f"cost.py:{kind}").own_metric
    assert declared is not None
    assert any(fault in each for each in faults(declared, "binary"))


def test_one_that_changes_what_it_is_given_changes_a_copy(tmp_path: Path) -> None:
    good, _ = made_outcomes("binary")
    before = good.target.copy()
    metric_of(own(tmp_path, "cost.py:Changes"))(good)
    assert np.array_equal(good.target, before)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("gone.py:Cost", "gone.py"), ("cost.py:Lost", "Lost"), ("{use: cost.py:Cost, kept: 1}", "kept"),
        ("cost.py:Nameless", "name"), ("cost.py:Taken", "roc_auc"), ("cost.py:Undirected", "greater_is_better"),
        ("cost.py:Numbers", "regression"), ("cost.py:Backwards", "bounds"), ("cost.py:Asks", "response_method"),
        ("cost.py:Uncalled", "__call__"),
    ],
)  # fmt: skip
def test_one_that_cannot_be_made_is_refused_by_file_key_and_fault(tmp_path: Path, named: str, words: str) -> None:
    spec = own(tmp_path, named)
    with pytest.raises(SpecError, match=rf"spec\.yaml: monitors\.performance\.metric: .*{words}"):
        metric_of(spec)


def test_a_misspelt_name_is_refused_with_the_line_and_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"spec\.yaml:5: monitors\.performance\.metric: .*'roc_acu'|\"roc_acu\""):
        own(tmp_path, "roc_acu")


def test_a_package_brings_one_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "installed" / "teams_metrics-1.dist-info"
    info.mkdir(parents=True)
    (info.parent / "teams_metrics.py").write_text(FILE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: teams-metrics\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[ratoon.metrics]\nfraud = teams_metrics:Cost\n")
    monkeypatch.syspath_prepend(str(info.parent))
    assert own(tmp_path, "fraud").metric == own(tmp_path, "{use: fraud, missed: 3}").metric == "cost"


def test_settings_and_an_edit_make_another_definition_and_a_comment_does_not(tmp_path: Path) -> None:
    spec = own(tmp_path, "cost.py:Cost")
    found = [spec.metric_definition, own(tmp_path, "{use: cost.py:Cost, missed: 5}").metric_definition]
    for text in (FILE + "\n# a comment\n", FILE.replace("20.0", "21.0")):
        (tmp_path / "cost.py").write_text(text)
        found.append(spec.metric_definition)
    assert found[0] == found[2]
    assert len({found[0], found[1], found[3]}) == 3


def test_a_replay_finds_it_beside_the_live_spec(tmp_path: Path) -> None:
    live = own(tmp_path / "live", "{use: cost.py:Cost, missed: 5}")
    written = load_spec(write_rehearsal(live, tmp_path / "elsewhere"))
    assert written.metric == "cost"
    assert written.own_metric is not None and written.own_metric.function.missed == 5  # type: ignore[attr-defined]


def test_margins_are_shares_unless_it_has_both_bounds(tmp_path: Path) -> None:
    cost, area = own(tmp_path, "cost.py:Cost"), own(tmp_path, "cost.py:Area")
    assert (cost.deciding.is_relative, cost.deciding.tolerance) == (True, 0.05)
    assert (area.deciding.is_relative, area.deciding.tolerance) == (False, 0.03)


def test_scikit_learns_function_is_what_it_gives(tmp_path: Path) -> None:
    good, chance = made_outcomes("binary")
    area = metric_of(own(tmp_path, "cost.py:Area"))
    assert area(good) == pytest.approx(sklearn.metrics.roc_auc_score(good.target, good.score))
    known = METRICS["roc_auc"]
    same, like = (bootstrapped(each, good, resamples=100, seed=1) for each in (area, known))
    assert (same.low, same.high) == pytest.approx((like.low, like.high))
    assert bootstrapped_gain(area, good, chance, resamples=100).low == pytest.approx(
        bootstrapped_gain(known, good, chance, resamples=100).low, rel=0.05
    )


def test_rows_of_its_own_give_the_closed_form_of_the_like_of_ratoons(tmp_path: Path) -> None:
    good, chance = made_outcomes("regression")
    error, known = metric_of(own(tmp_path, "cost.py:Error", "regression")), METRICS["mae"]
    assert interval(error, good) == interval(known, good)
    assert paired_gain(error, good, chance) == paired_gain(known, good, chance)
    assert trial_terms(error, good, chance).value == terms(known, good, chance).value  # type: ignore[union-attr]


def test_a_scorer_of_scikit_learn_is_one(tmp_path: Path) -> None:
    good, _ = made_outcomes("binary")
    f2 = metric_of(own(tmp_path, "cost.py:f2"))
    assert (f2.name, f2.greater_is_better) == ("f2", True)
    assert f2(good) == pytest.approx(sklearn.metrics.fbeta_score(good.target, good.prediction, beta=2))
    numbers, _ = made_outcomes("regression")
    pinball = metric_of(own(tmp_path, "cost.py:pinball", "regression"))
    lost = sklearn.metrics.mean_pinball_loss(numbers.target, numbers.prediction, alpha=0.9)
    assert pinball(numbers) == pytest.approx(-lost)


def test_a_scorer_of_probabilities_is_asked_for_them() -> None:
    scorer = sklearn.metrics.make_scorer(
        sklearn.metrics.log_loss, greater_is_better=False, response_method="predict_proba"
    )
    metric = as_metric(declared_by(scorer, "here", name="surprise"))
    good, _ = made_outcomes("multiclass")
    assert metric.needs_score
    assert metric(good) == pytest.approx(-METRICS["log_loss"](good))
    assert np.isnan(metric(replace(good, score=None)))


@pytest.mark.parametrize("rows", [150, 900])
def test_groups_of_rows_tell_the_variance_of_a_metric_of_the_whole(rows: int) -> None:
    """Beside the closed form that the same metric has."""
    rng = np.random.default_rng(3)
    target = rng.normal(0, 1, rows)
    good, known = made_outcomes("regression", list(target))[0], METRICS["rmse"]
    other = replace(good, prediction=good.prediction + rng.normal(0, 0.2, rows))
    grouped, exact = grouped_terms(known, good, other), terms(known, good, other)
    assert grouped is not None and exact is not None
    assert grouped.value == pytest.approx(exact.value)
    for block in (1, 50):
        assert grouped.variance(block) == pytest.approx(exact.variance(block), rel=0.5)


def test_a_message_names_no_line_of_ours(tmp_path: Path) -> None:
    """It says where in the team's own file it was raised."""
    good, _ = made_outcomes("binary")
    fault = metric_of(own(tmp_path, "cost.py:Raises")).fault(good)
    assert fault is not None and re.search(r"at cost\.py:\d+", fault)
