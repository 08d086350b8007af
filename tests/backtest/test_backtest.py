"""What a backtest says of a stream that changes once, of a calm one, and of itself when it is run again."""

from __future__ import annotations

import itertools
import json
import math
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from small_project import write_spec

from ratoon.backtest import kept
from ratoon.backtest.backtest import run_backtest
from ratoon.backtest.deciders import At
from ratoon.backtest.findings import DEFAULT, findings
from ratoon.backtest.jobs import Job, carry_out
from ratoon.backtest.policies import with_policy
from ratoon.backtest.results import ArmResult, Backtest, Step
from ratoon.backtest.scheduled import on_schedule
from ratoon.backtest.uniform import spread
from ratoon.data.source import open_source
from ratoon.loop.plan import Plan, plan
from ratoon.spec.errors import BadInput, SpecError
from ratoon.spec.model import Spec

START, END = datetime(2026, 1, 31), datetime(2026, 3, 1)
CHANGE = datetime(2026, 2, 10)


@pytest.fixture(scope="module")
def same_spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    """The spec of `found`, beside which its results are kept."""
    return write_spec(tmp_path_factory.mktemp("project") / "p")


@pytest.fixture(scope="module")
def found(same_spec: Spec) -> Backtest:
    return run_backtest(same_spec, start=START, end=END, workers=1)


def arm(found: Backtest, name: str) -> ArmResult:
    (one,) = [each for each in found.arms if each.name == name]
    return one


def test_all_that_a_policy_must_beat_stands_beside_it(found: Backtest) -> None:
    """The policy, as many runs evenly spread, never, the schedules, and the oracle."""
    assert [each.kind for each in found.arms] == [
        "policy", "uniform", "never", "warm", "scratch_sliding", "scratch_all", "oracle",
    ]  # fmt: skip
    assert arm(found, "uniform, as many as policy").runs == arm(found, "policy").runs
    assert arm(found, "never").runs == 0
    assert arm(found, "schedule, scratch, sliding").runs == found.looks - 1  # what the last look trains never serves


def test_a_policy_trains_after_the_change_and_not_before(found: Backtest) -> None:
    policy = arm(found, "policy")
    fired = [decision.at for decision in policy.decisions if decision.fires]
    assert fired and min(fired) > CHANGE
    assert policy.quality.value < arm(found, "never").quality.value  # the Brier score: less is better
    assert 0 < policy.harm_days <= arm(found, "never").harm_days


def test_an_arm_that_fires_at_the_same_moments_serves_the_same_versions(found: Backtest, spec: Spec) -> None:
    """Whoever asks, verdict, ladder and gate are those of the moment: what differs between arms is when they fire."""
    policy = arm(found, "policy")
    moments = tuple(decision.at for decision in policy.decisions if decision.fires)
    assert moments and policy.promoted
    forced = carry_out(Job("same", spec, planned(spec, END), "other", At(moments, "same")), silent)
    assert [versions(step) for step in forced.steps] == [versions(step) for step in policy.steps]
    assert [d.triage.verdict for d in forced.decisions] == [d.triage.verdict for d in policy.decisions]
    assert (forced.quality, forced.rows_learned) == (policy.quality, policy.rows_learned)
    assert {d.triage.verdict for d in policy.decisions if d.fires} == {"harm"}, "the gate that asks the least"


def planned(spec: Spec, end: datetime) -> Plan:
    with open_source(spec) as source:
        return plan(source, spec.path.name, START, end, spec.monitors.every)


def versions(step: Step) -> tuple[object, ...]:
    return step.version, step.outcome, step.quality


def silent(done: int, total: int) -> None:
    """Nobody waits for it."""


def test_everything_that_an_arm_runs_is_counted(found: Backtest) -> None:
    """Learning, judging and looking; a schedule looks at nothing but its rows, and never has nothing to run."""
    policy, warm, never = (arm(found, name).cpu for name in ("policy", "schedule, warm", "never"))
    assert min(policy.learning, policy.judging, policy.looking) > 0
    assert policy.total == policy.learning + policy.judging + policy.looking
    assert warm.judging == 0 < min(warm.learning, warm.looking)
    assert never.total == 0
    assert arm(found, "policy").cpu.total == pytest.approx(sum(s.cpu.total for s in arm(found, "policy").steps))


def test_a_result_with_its_sums_is_read_back_equal(found: Backtest) -> None:
    written = found.model_dump_json()
    assert json.loads(written)["arms"][0]["cpu"]["total"] == found.arms[0].cpu.total
    assert Backtest.model_validate_json(written).arms[0].cpu == found.arms[0].cpu


def test_days_in_harm_are_told_where_stretches_are_shorter_than_the_window(tmp_path: Path) -> None:
    """A day holds fewer labels than `min_labels` asks of a window: that is no day without harm."""
    spec = write_spec(tmp_path / "p", (r"min_labels: 100", "min_labels: 400"), (r"every: 4d", "every: 1d"))
    never = carry_out(Job("never", spec, planned(spec, datetime(2026, 2, 16)), "never", fits=tmp_path), silent)
    steps = never.steps
    assert max(step.rows for step in steps) < 400
    told = [step.harm for step in steps if step.at >= CHANGE]
    assert None not in told, "each day is judged"
    assert sum(told) >= len(told) - 1, "59 rows of one day leave it open"
    assert {step.harm for step in steps if step.at < CHANGE} == {False}
    assert never.harm_days == sum(told)


def test_days_in_harm_are_unknown_where_no_stretch_can_be_judged(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "p", (r"every: 4d", "every: 1h"))
    hours = planned(spec, START + timedelta(hours=6))
    never = carry_out(Job("never", spec, hours, "never", fits=tmp_path), silent)
    assert {step.harm for step in never.steps} == {None}
    assert math.isnan(never.harm_days)


def test_a_change_of_any_of_our_files_makes_what_was_kept_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "own" / "models" / "families" / "one.py"
    file.parent.mkdir(parents=True)
    monkeypatch.setattr(kept, "_OWN", tmp_path / "own")
    spec = write_spec(tmp_path / "p")
    found = []
    for text in ("a = 1", "a = 2"):
        file.write_text(text)
        with open_source(spec) as source:
            found.append(kept.fingerprint_of(spec, source))
    assert found[0] != found[1]


def test_a_change_of_the_users_own_learner_makes_what_was_kept_old(tmp_path: Path) -> None:
    """Also where it does not lie beside the build function."""
    (tmp_path / "p" / "own").mkdir(parents=True)
    file = tmp_path / "p" / "own" / "learner.py"
    spec = write_spec(tmp_path / "p", (r"(build: training.py:build)", r"\1\n  family: own/learner.py:Own"))
    found = []
    for text in ("a = 1", "a = 2"):
        file.write_text(text)
        with open_source(spec) as source:
            found.append(kept.fingerprint_of(spec, source))
    assert found[0] != found[1]


@pytest.mark.parametrize(
    "change",
    [
        (r"(?s)policy:.*?(?=\ngate:)", "policy: [{when: 'true', do: warm_start, own: [own/file.py:Own]}]"),
        (r"metric: brier", "metric: own/file.py:Own"),
    ],
)
def test_a_change_of_a_guard_or_metric_makes_what_was_kept_of_its_arm_old(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    """Such as one that a `--policy` file names, which the spec itself does not; other arms are kept."""
    (tmp_path / "p" / "own").mkdir(parents=True)
    spec, beside = write_spec(tmp_path / "p"), tmp_path / "p" / "own" / "file.py"
    changed = write_spec(tmp_path / "p", change)
    keys: dict[str, set[str]] = {"spec": set(), "other": set()}
    for text in ("a = 1", "a = 2"):
        beside.write_text(text)
        for name, each in (("spec", spec), ("other", changed)):
            keys[name].add(kept.key_of(each, planned(spec, END), name, "the same"))
    assert [len(each) for each in keys.values()] == [1, 2]


def test_only_learning_at_every_look_can_beat_the_oracle(found: Backtest) -> None:
    """It is greedy: it passes over an update that costs the next stretch a little and pays in those behind it."""
    best = arm(found, "oracle").quality.value
    assert all(each.quality.value >= best for each in found.arms if each.kind != "warm")


def test_every_arm_is_judged_on_the_same_rows(found: Backtest) -> None:
    assert len({each.quality.rows for each in found.arms}) == 1
    assert len({tuple(step.rows for step in each.steps) for each in found.arms}) == 1


def test_looks_without_a_run_where_learning_would_have_helped_are_counted(found: Backtest) -> None:
    """Who never learns misses the change; who learns at every look misses nothing."""
    assert arm(found, "never").missed_runs >= 1
    assert arm(found, "schedule, warm").missed_runs == 0


def test_a_backtest_repeated_is_found_again(found: Backtest, same_spec: Spec) -> None:
    """What was kept is not run again."""
    jobs: list[tuple[str, int]] = []
    heard = lambda name, done, total: jobs.append((name, total))  # noqa: E731
    again = run_backtest(same_spec, start=START, end=END, workers=1, heard=heard)
    assert again.model_dump_json() == found.model_dump_json()  # no number equals itself where it is not known
    assert {total for _, total in jobs} == {1}


def test_a_backtest_run_afresh_in_processes_of_its_own_is_the_same(found: Backtest, same_spec: Spec) -> None:
    """Equal decisions and figures, but for the CPU seconds."""
    two = run_backtest(same_spec, start=START, end=END, workers=2, fresh=True, scratch=False)
    assert len(two.arms) == 4
    for again in two.arms:
        once, others = arm(found, again.name), {"cpu", "steps", "decisions"}
        assert again.model_dump_json(exclude=others) == once.model_dump_json(exclude=others)
        assert [versions(step) for step in again.steps] == [versions(step) for step in once.steps]
        assert [(d.action, d.reasons) for d in again.decisions] == [(d.action, d.reasons) for d in once.decisions]


@pytest.mark.slow
def test_delays_of_training_and_review_hold_a_version_back(tmp_path: Path) -> None:
    """A challenger serves only after training and review; its run is in flight until then."""
    spec = write_spec(
        tmp_path / "p",
        (
            r"^review: automatic",
            "backtest: {training_time: 5d, review_delay: 1d}\nabandon_after: 6d\nreview: required",
        ),
    )
    policy = run_backtest(spec, start=START, end=END, workers=1, scratch=False).arms[0]
    fired = next(decision.at for decision in policy.decisions if decision.fires)
    served = next(step.at for step in policy.steps if step.version != "1")  # others may have learned behind
    assert served <= fired + timedelta(days=6) < served + timedelta(days=4)
    after = next(decision for decision in policy.decisions if decision.at > fired)
    assert not after.fires
    assert after.facts["last_run"]["outcome"] == "running"


def test_rules_that_never_hold_are_held_against_the_default_policy(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "p", (r'triage == "harm"', "'false'"))
    found = run_backtest(spec, start=START, end=END, workers=1, scratch=False)
    assert arm(found, "policy").runs == 0
    default = arm(found, DEFAULT)
    assert default.kind == "policy" and default.policy != arm(found, "policy").policy
    assert findings(found).advice[0].code == "never_fired"


@pytest.mark.slow
def test_a_policy_file_is_one_more_arm(spec: Spec, tmp_path: Path) -> None:
    file = tmp_path / "never.yaml"
    file.write_text("- {when: 'false', do: warm_start}\n")
    found = run_backtest(
        spec, policies={"never.yaml": with_policy(spec, file)}, start=START, end=END, workers=1, scratch=False
    )
    other = arm(found, "never.yaml")
    assert (other.kind, other.runs) == ("policy", 0)
    assert other.policy != found.arms[0].policy


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {when: 'true', do: warm}", r"eager.yaml:1: policy\[0\].do: found \"warm\""),
        ("policies: []", "expected a list of rules, or keys policy, triage, costs; found policies"),
        ("policy:\n  - {when: 'true', do: hold, cooldwn: 2d}", r"eager.yaml:2: .*did you mean `cooldown`"),
        ("- {", "no valid YAML"),
    ],
)
def test_a_policy_file_that_is_wrong_is_named_with_its_line(spec: Spec, tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "eager.yaml"
    file.write_text(text)
    with pytest.raises(SpecError, match=words):
        with_policy(spec, file)


def test_a_stretch_outside_the_data_is_refused_with_its_extent(spec: Spec) -> None:
    with pytest.raises(BadInput, match="which spans 2026-01-01"):
        run_backtest(spec, start=datetime(2030, 1, 1), workers=1)


def test_a_uniform_schedule_has_as_many_runs_evenly_spread() -> None:
    moments = tuple(START + timedelta(days=day) for day in range(1, 11))
    for runs in range(1, 11):
        chosen = spread(Plan(START, moments), runs)
        gaps = [b - a for a, b in itertools.pairwise(chosen)]
        assert len(set(chosen)) == runs
        assert not gaps or max(gaps) - min(gaps) <= timedelta(days=1)
    assert len(spread(Plan(START, moments), 99)) == 10


def test_a_schedule_retrains_at_the_first_look_at_or_after_each_multiple() -> None:
    moments = tuple(START + timedelta(days=day) for day in range(2, 13, 2))
    due = on_schedule(Plan(START, moments), timedelta(days=5))
    assert due == (START + timedelta(days=6), START + timedelta(days=10))
    assert on_schedule(Plan(START, moments), None) == moments
