"""A decision's own past is rebuilt from the ledger alone, whatever was written since."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from ratoon.ledger.ledger import Ledger, Review, TrainingRun
from ratoon.spec.errors import Refused
from ratoon.spec.run_record import RunRecord
from ratoon.spec.values import Decision, History, Score

ACTIONS = ("hold", "alert", "warm_start", "full_retrain")


class Writer:
    """Writes what a model's life may write, in any order of moments, and keeps what each decision saw."""

    def __init__(self, ledger: Ledger, made: Any, seed: int) -> None:
        self.ledger, self.made, self.random = ledger, made, random.Random(seed)
        self.policies = [made.policy(), made.policy(metric="mae")]
        self.saw: dict[str, tuple[History, Any, Any]] = {}
        self.running: dict[str, TrainingRun] = {}
        self.hours = 0

    def step(self) -> None:
        self.hours += self.random.choice([0, 0, 1, 2])
        self.random.choice([self.decide, self.decide, self.decide, self.by_hand, self.claim, self.claim, self.finish,
                            self.finish, self.score, self.score, self.review])()  # fmt: skip

    def at(self) -> Any:
        """A moment around the present: some of the past, so that much is written late, and many the same."""
        return self.made.NOW + timedelta(hours=self.hours + self.random.choice([-6, -2, -1, 0, 0, 0, 1, 3]))

    def decide(self) -> None:
        at, model, live = self.at(), self.random.choice(["price", "price", "bike"]), self.random.random() < 0.6
        policy = self.random.choice(self.policies)
        history = self.ledger.history(model, at, limit=7, shadow=not live)
        known = {"champion": str(self.hours), "champion_since": at, "new_rows": self.hours, "first_cpu_seconds": 0.5}
        history = history.model_copy(update=known)
        decision = self.made.decided(f"d{len(self.saw)}", model=model, action=self.random.choice(ACTIONS)).model_copy(
            update={"at": at, "policy": policy.version, "basis": history.basis, "facts": {"new_rows": self.hours}}
        )
        signals = [self.made.measured(value=float(self.hours))] * self.random.randrange(3)
        self.ledger.decisions.record(decision, signals, policy=policy, live=live)
        self.saw[decision.id] = (history, tuple(signals), policy)

    def by_hand(self) -> None:
        decision = self.made.decided(f"hand{self.random.random()}").model_copy(update={"at": self.at(), "window": None})
        self.ledger.decisions.record(decision, [], live=True)

    def claim(self) -> None:
        decision = self._one()
        if decision is None:
            return
        run = self.ledger.runs.claim(
            model=decision.model,
            decision=decision.id,
            at=max(decision.at, self.at()),
            run=None,
            now_wall=self.made.NOW + timedelta(hours=self.hours),
            abandon_after=timedelta(hours=30),
        )
        if run is not None and run.outcome is None:
            self.running[decision.model] = run

    def finish(self) -> None:
        if not self.running:
            return
        run = self.running.pop(self.random.choice(sorted(self.running)))
        if self.ledger.runs.is_claimed(run):
            strata = [{"name": "recent", "verdict": "passed", "gain": {"value": self.random.random()}}]
            self.ledger.runs.finish(
                run,
                outcome=self.random.choice(["registered", "registered", "refused"]),
                version=str(run.number),
                evidence=RunRecord.model_validate({"attempts": [{"gate": {"strata": strata}}]}),
                cpu_seconds=1.5,
                rows=9,
                ended_at=max(run.at, self.at()),
            )

    def score(self) -> None:
        if (decision := self._one()) is not None:
            score = Score(decision=decision.id, at=max(self.at(), decision.at), verdict="right", gain=0.5)
            self.ledger.scores.record(score, decision.model)

    def review(self) -> None:
        self.ledger.reviews.record(
            Review(
                model=self.random.choice(["price", "bike"]),
                version=str(self.random.randrange(1, 5)),
                verdict=self.random.choice(["rejected", "rejected", "approved"]),
                at=self.at(),
                actor="ada",
                reason="",
                decision=None,
            )
        )

    def _one(self) -> Decision | None:
        return self.ledger.decisions.find(self.random.choice(sorted(self.saw))) if self.saw else None


@pytest.mark.parametrize("seed", range(2))
def test_what_a_decision_saw_is_rebuilt_equal_whatever_was_written_since(url, made, seed):
    with Ledger.open(url, durable=False) as ledger:
        writer = Writer(ledger, made, seed)
        for _ in range(180):
            writer.step()
        warm = {id: ledger.as_of(id, limit=7) for id in writer.saw}
    with Ledger.open(url) as again:
        cold = {id: again.as_of(id, limit=7) for id in writer.saw}
        unlike = [id for id, seen in writer.saw.items() if cold[id] != seen]

    assert unlike == []
    assert warm == cold
    histories = [history for history, _, _ in writer.saw.values()]
    outcomes = {update.outcome for history in histories for update in history.updates}
    assert {"running", "registered", "shadow"} <= outcomes  # the life was rich enough to say something
    assert any(decision.score for history in histories for decision in history.decisions)
    assert any(update.rejected_at for history in histories for update in history.updates)


def test_the_present_history_is_another_one_than_was_seen(ledger, made):
    """A decision of an earlier moment, a score, an end and a rejection written later are left out."""
    policy, hour = made.policy(), timedelta(hours=1)
    base = {"policy": policy.version}
    ledger.decisions.record(made.decided("d1").model_copy(update=base), [], policy=policy, live=True)
    run = made.claim(ledger, "d1")
    seen = ledger.history("price", made.NOW + 2 * hour)
    own = made.decided("own", hours=2).model_copy(update={**base, "basis": seen.basis})
    ledger.decisions.record(own, [made.measured()], policy=policy, live=True)
    ledger.decisions.record(made.decided("late", hours=1).model_copy(update=base), [], policy=policy, live=True)
    ledger.scores.record(made.scored("d1", hours=1), "price")
    ledger.runs.finish(run, outcome="registered", version="4", ended_at=made.NOW)
    ledger.reviews.record(
        Review(model="price", version="4", verdict="rejected", at=made.NOW, actor="ada", reason="", decision=None)
    )
    history, signals, found = ledger.as_of("own")
    present = ledger.history("price", made.NOW + 2 * hour)

    assert (history, signals, found) == (seen, (made.measured(),), policy)
    assert [d.id for d in history.decisions] == ["d1"]
    assert [u.outcome for u in history.updates] == ["running"]
    assert [d.id for d in present.decisions] == ["d1", "late"]
    assert [(u.outcome, u.rejected_at) for u in present.updates] == [("registered", made.NOW)]


def test_a_decision_does_not_see_its_own_run(ledger, made):
    policy = made.policy()
    seen = ledger.history("price", made.NOW)
    own = made.decided("own").model_copy(update={"policy": policy.version, "basis": seen.basis})
    ledger.decisions.record(own, [], policy=policy, live=True)
    made.claim(ledger, "own")

    assert ledger.as_of("own")[0] == seen


def test_decisions_of_one_moment_do_not_see_each_other(ledger, made):
    for name, policy in (("a", made.policy()), ("b", made.policy(metric="mae"))):
        seen = ledger.history("price", made.NOW, shadow=True)
        own = made.decided(name).model_copy(update={"policy": policy.version, "basis": seen.basis})
        ledger.decisions.record(own, [], policy=policy, live=False)

    for name in ("a", "b"):
        history, _, _ = ledger.as_of(name)
        assert (history.decisions, history.updates) == ((), ())


def test_what_the_ledger_does_not_hold_is_said_and_not_made_up(ledger, made):
    policy = made.policy()
    basis = ledger.history("price", made.NOW).basis
    ledger.decisions.record(made.decided("no policy").model_copy(update={"basis": basis}), [], live=True)
    ledger.decisions.record(made.decided("by hand").model_copy(update={"window": None}), [], live=True)
    old = made.decided("old").model_copy(update={"policy": policy.version})
    ledger.decisions.record(old, [], policy=policy, live=True)

    for identity, says in {
        "nobody": "decision nobody is not in the ledger",
        "no policy": "taken by policy abc, which is not in the ledger",
        "by hand": "it was started by hand, or recorded before",
        "old": "it was started by hand, or recorded before",
    }.items():
        with pytest.raises(Refused, match=says):
            ledger.as_of(identity)
