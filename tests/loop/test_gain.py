"""The default policy over made streams whose truth is known: what fires, what is promoted, what is written down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratoon.backtest import arm
from ratoon.backtest.arm import run_arm
from ratoon.backtest.deciders import ByPolicy
from ratoon.backtest.results import ArmResult
from ratoon.backtest.reviewer import Reviewer
from ratoon.data.source import open_source
from ratoon.ledger.ledger import Ledger
from ratoon.loop.context import ModelContext, simulated
from ratoon.loop.plan import plan
from ratoon.models.ladder.attempt import SCRATCH
from ratoon.models.registry.in_memory import InMemoryRegistry
from ratoon.policy.decide import decide
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.values import FIRING

START, DAYS, ROWS = datetime(2026, 1, 1), 200, 60
BUILD = """
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier


def linear():
    return make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", average=True, random_state=0))


def tree():
    return DecisionTreeClassifier(max_depth=3, random_state=0)
"""
SPEC = """
model: made
task: binary
data: {{source: rows.parquet, id: id, time: at, target: y, {label}}}
learner: {{build: "training.py:{build}"}}
monitors: {{window: 7d, every: 7d, performance: {{metric: accuracy, min_labels: 100}}}}
review: automatic
"""


def spec_of(
    folder: Path, turns: int, *, build: str = "linear", label: str = "label_delay: 1d", late: object = None
) -> Spec:
    """A stream whose label is the sign of one feature, from day *turns* on of another, with a tenth of noise."""
    rng, n = np.random.default_rng(0), DAYS * ROWS
    day = np.repeat(np.arange(DAYS), ROWS)
    x = rng.normal(size=(n, 3))
    y = ((np.where(day < turns, x[:, 0], x[:, 1]) > 0) ^ (rng.random(n) < 0.1)).astype(int)
    at = START + pd.to_timedelta(np.arange(n) * 86_400 / ROWS, unit="s")
    rows = pd.DataFrame({"id": np.arange(n), "at": at, "y": y, "a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})
    if late is not None:
        rows["came"] = at + late  # type: ignore[operator]
    rows.to_parquet(folder / "rows.parquet")
    (folder / "training.py").write_text(BUILD)
    (folder / "spec.yaml").write_text(SPEC.format(build=build, label=label))
    return load_spec(folder / "spec.yaml")


def turned(spec: Spec) -> ArmResult:
    with open_source(spec) as source:
        planned = plan(source, "made", START + timedelta(days=70), None, spec.monitors.every)
    return run_arm(spec, planned, "policy", "policy", ByPolicy(), lambda *_: None, hindsight=False)


CALM, TURNS = DAYS, 120


def test_a_stream_without_change_is_left_alone(tmp_path: Path) -> None:
    arm = turned(spec_of(tmp_path, CALM))
    fired = sum(each.action in FIRING for each in arm.decisions)
    assert fired <= len(arm.decisions) / 20 + 1
    assert arm.quality.value > 0.85


@pytest.fixture(scope="module")
def turning(tmp_path_factory: pytest.TempPathFactory) -> ArmResult:
    return turned(spec_of(tmp_path_factory.mktemp("turning"), TURNS))


def test_what_was_learned_in_the_background_is_promoted_once_the_world_turned(turning: ArmResult) -> None:
    assert turning.promoted >= 1
    late = [step.quality.value for step in turning.steps if step.at > START + timedelta(days=160)]
    assert np.mean(late) > 0.8, "a champion that is never updated is right on every other row"


def test_each_look_says_which_strategy_leads_and_what_it_would_gain(turning: ArmResult) -> None:
    fired = [each for each in turning.decisions if each.rule == "gain.pays"]
    assert fired
    assert all(each.facts["gain"]["low"] > 0 for each in fired)
    assert all(each.basis is not None and each.basis.trials for each in fired)


def test_a_strategy_from_scratch_is_reached_where_no_other_can_learn_on(tmp_path: Path) -> None:
    arm = turned(spec_of(tmp_path, TURNS, build="tree"))
    led = {each.facts["gain"].get("strategy") for each in arm.decisions}
    assert led & SCRATCH
    assert arm.promoted >= 1


def test_labels_that_take_longer_than_a_champion_lives_are_judged_all_the_same(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, TURNS, label="label_time: came", late=pd.Timedelta(days=28))
    arm = turned(spec)
    told = [each.facts["performance"].get("labels", 0) for each in arm.decisions]
    assert min(told) > 0, "no look reads nothing where labels exist"
    assert arm.promoted >= 1


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelContext]:
    spec = spec_of(tmp_path_factory.mktemp("kept"), TURNS)
    with simulated(spec) as context:
        arm.start(context, START + timedelta(days=100))
        reviewer = Reviewer(context)
        for week in range(1, 12):
            arm._look(reviewer, ByPolicy(), START + timedelta(days=100 + 7 * week))
        yield context


def test_credits_are_the_ledgers_and_every_decision_can_be_taken_again(kept: ModelContext) -> None:
    for decision in kept.ledger.decisions.of("made"):
        history, signals, policy = kept.ledger.as_of(decision.id)
        again = decide(signals, history, policy, decision.at, model="made", window=decision.window)  # type: ignore[arg-type]
        assert again == decision


def test_every_cpu_second_of_a_run_is_in_the_ledger(kept: ModelContext) -> None:
    runs = kept.ledger.runs.of("made")
    assert {each.outcome for each in runs} >= {"background", "registered"}
    for run in runs:
        spent = run.evidence.cpu_seconds.model_dump()
        assert run.cpu_seconds == pytest.approx(spent["total"])
        assert spent["total"] >= spent["learning"] + spent["judging"]
        assert spent["learning"] == pytest.approx(sum(each.cpu_seconds for each in run.evidence.attempts))


def test_background_learning_answers_no_rule_and_is_paid_for(kept: ModelContext) -> None:
    now = START + timedelta(days=400)
    history = kept.ledger.history("made", now)
    assert {each.outcome for each in history.background} == {"background"}
    assert not {each.decision for each in history.background} & {each.decision for each in history.updates}


def test_a_background_version_serves_nobody_and_is_gone_on_from(kept: ModelContext) -> None:
    assert isinstance(kept.registry, InMemoryRegistry)
    assert isinstance(kept.ledger, Ledger)
    waiting = kept.registry.candidates()
    assert waiting
    for strategy, version in waiting.items():
        assert version.strategy == strategy
        if version.tags["ratoon.gate"] == "background":
            assert "challenger" not in version.aliases
            assert version.unproven


def test_looks_that_are_close_learn_nothing_anew_before_it_can_be_judged(tmp_path: Path) -> None:
    """Seven rows a look are too few for a trial, thirty are not: trials are made of the rows of several looks, and no
    strategy learns at every look what no row has told apart."""
    spec = spec_of(tmp_path, TURNS)
    at = START + timedelta(days=100)
    with simulated(spec) as context:
        arm.start(context, at)
        reviewer = Reviewer(context)
        for look in range(1, 17):
            arm._look(reviewer, ByPolicy(), at + timedelta(hours=3 * look))
        learned = [each for run in context.ledger.runs.of("made") for each in run.evidence.attempts if each.rows]
        trials = [each.basis.trials for each in context.ledger.decisions.of("made") if each.basis is not None]

    assert sum(bool(each) for each in trials) >= 4
    assert all(one.rows >= 10 for each in trials for one in each)
    strategies = {each.strategy for each in learned}
    assert len(learned) <= len(strategies) * 16 / 2
