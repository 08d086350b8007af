"""Which unproven candidate the next update goes on from, and when its line ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratoon.ledger.ledger import Ledger, PromotionKind
from ratoon.loop.care import Kept
from ratoon.loop.learn import landed, to_keep
from ratoon.loop.standing import standing
from ratoon.models.attempt import Attempt
from ratoon.models.evidence import Evidence
from ratoon.models.gate import GateResult, Stratum
from ratoon.models.race import Race
from ratoon.models.shelf import Shelf
from ratoon.models.state import TrainingState
from ratoon.models.trained import Trained
from ratoon.models.versions import Version
from ratoon.spec.errors import RegistryError
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.stores import stores_of
from ratoon.spec.values import Decision, Triage

START = datetime(2026, 1, 1)
DAY = timedelta(days=1)
SPEC = """
model: m
task: regression
data: {source: rows.parquet, id: id, time: at, target: y, label_delay: 1d}
learner: {build: "build.py:build", unproven: UNPROVEN}
monitors: {window: 7d, every: 1d, performance: {metric: mae}}
"""


class World:
    """A registry in memory and a ledger of one model, and what happens to its versions day by day."""

    def __init__(self, spec: Spec, ledger: Ledger) -> None:
        self.registry = Shelf(spec)
        self.care = Kept(spec, stores_of(spec), ledger, self.registry)
        self.day = 0

    def trained(self, parent: str | None) -> Trained:
        state = TrainingState(
            family="own", task="regression", features=(), watermark=START + self.day * DAY, learned_rows=1,
            fingerprint=0, rung="warm" if parent else "first", parent=parent, seed=0,
        )  # fmt: skip
        return Trained("an estimator", state)

    def version(self, parent: str | None = None, *, against: str | None = None, proven: bool = False) -> Version:
        """A version that was made today."""
        self.day += 1
        gate = gate_of(proven) if parent else None
        evidence = Evidence(
            f"d{self.day}", START + self.day * DAY, pd.DataFrame(), gate=gate, against=against or parent
        )
        return self.registry.register(self.trained(parent), evidence)

    def moves(self, to: str, kind: PromotionKind = "promotion") -> None:
        self.day += 1
        previous = self.registry.promote(to)
        self.care.ledger.record_promotion(
            model="m", version=to, previous=previous, at=START + self.day * DAY, kind=kind, actor="test",
            reason="", decision=None,
        )  # fmt: skip

    def runs(self, decision: str | None, *attempts: Attempt, candidate: Trained | None = None) -> dict[str, Any]:
        """A training run of today that ended so; what the ledger keeps of it."""
        self.day += 1
        at = START + self.day * DAY
        assert decision is not None
        fired = Decision(id=decision, model="m", at=at, action="warm_start", triage=Triage(verdict="harm"))
        self.care.ledger.record_decision(fired, (), live=True)
        flight = self.care.ledger.take_off(
            model="m", decision=decision, at=at, run=None, now_wall=at, abandon_after=timedelta(hours=1)
        )
        assert flight is not None
        landed(self.care, flight, Race(attempts, candidate), None, at)
        return self.care.ledger.updates("m")[-1].evidence

    @property
    def standing(self) -> str | None:
        serving = self.registry.champion()
        assert serving is not None
        found = standing(self.care, serving.number)
        return found and found.version


def gate_of(proven: bool) -> GateResult:
    verdict: Any = "passed" if proven else "unsure"
    recent = Stratum(name="recent", rows=9, needed="better", verdict=verdict, reason="few", refuted=False)
    return GateResult(metric="mae", confidence=0.95, strata=(recent,))


def spec_of(folder: Path, unproven: str = "continue") -> Spec:
    (folder / "spec.yaml").write_text(SPEC.replace("UNPROVEN", unproven))
    return load_spec(folder / "spec.yaml")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Version 1 serves."""
    with Ledger.open("sqlite://") as ledger:
        made = World(spec_of(tmp_path), ledger)
        made.version()
        made.moves("1", "first")
        yield made


def test_without_a_candidate_there_is_none(world: World) -> None:
    assert world.standing is None


def test_an_unproven_version_is_gone_on_from_and_is_offered_to_nobody(world: World) -> None:
    assert world.version("1").aliases == ("candidate",)
    assert world.registry.challenger() is None
    assert world.standing == "2"
    world.version("2", against="1")
    assert world.standing == "3"


def test_a_challenger_that_waits_for_review_is_gone_on_from_too(world: World) -> None:
    assert world.version("1", proven=True).aliases == ("candidate", "challenger")
    assert world.standing == "2"


def test_a_version_that_was_promoted_is_no_candidate_any_more(world: World) -> None:
    world.version("1", proven=True)
    world.moves("2")
    assert world.registry.version("2").aliases == ("champion",)
    assert world.standing is None


def test_a_candidate_made_after_a_challenger_stays_when_that_is_promoted(world: World) -> None:
    world.version("1", proven=True)
    world.version("2", against="1")
    world.moves("2")
    assert world.standing == "3"


def test_the_line_ends_where_another_version_serves(world: World) -> None:
    """It was never compared with that one, and may have learned other rows."""
    world.version("1")
    other = world.version()
    world.moves(other.number)
    assert world.standing is None


def test_a_roll_back_ends_the_line_of_what_was_rolled_back(world: World) -> None:
    world.version("1", proven=True)
    world.version("2", against="1")
    world.moves("2")
    world.moves("1", "roll_back")
    assert world.standing is None


@pytest.mark.parametrize("rejected", ["2", "3"])
def test_a_rejection_ends_the_line_that_it_is_part_of(
    world: World, monkeypatch: pytest.MonkeyPatch, rejected: str
) -> None:
    world.version("1", proven=True)
    world.version("2", against="1")
    monkeypatch.setattr(world.registry, "rejected", lambda: (world.registry.version(rejected),))
    assert world.standing is None


def test_a_rejection_elsewhere_does_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.version("1")
    monkeypatch.setattr(world.registry, "rejected", lambda: (world.registry.version("1"),))
    assert world.standing == "2"


def test_a_candidate_that_cannot_be_loaded_is_passed_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.version("1")

    def gone(ref: str) -> Trained:
        raise RegistryError(f"the files of version {ref} are gone")

    monkeypatch.setattr(world.registry, "load", gone)
    assert world.standing is None


def test_it_is_let_go_by_taking_the_alias_away(world: World) -> None:
    world.version("1")
    world.registry.let_go()
    assert world.standing is None
    assert world.registry.version("2").aliases == ()


OPEN = Attempt(rung="warm", rows=9, gate=gate_of(False))
LOST = Attempt(rung="warm", rows=9, gate=GateResult(metric="mae", confidence=0.95, strata=(
    Stratum(name="recent", rows=90, needed="better", verdict="refused", reason="a loss"),
)))  # fmt: skip


def test_a_line_whose_loss_was_shown_has_ended_also_where_the_alias_could_not_be_taken_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account may set aliases and not delete them; a killed run may set one again."""
    monkeypatch.setattr(world.registry, "let_go", lambda: None)
    made = world.version("1")
    world.runs(made.decision, OPEN, candidate=world.trained("1"))
    assert world.standing == "2"
    assert world.runs("d9", LOST)["line_ended"] is True
    world.registry.offer(made)
    assert world.standing is None
    world.version("1")
    assert world.standing == "3"


def test_the_ledger_knows_the_end_before_the_alias_goes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the two, the same decision repeated finds its run landed."""

    def killed() -> None:
        assert world.care.ledger.updates("m")[-1].decision == "d9"
        raise KeyboardInterrupt

    made = world.version("1")
    world.runs(made.decision, OPEN, candidate=world.trained("1"))
    monkeypatch.setattr(world.registry, "let_go", killed)
    with pytest.raises(KeyboardInterrupt):
        world.runs("d9", LOST)
    assert world.standing is None


def test_a_fit_from_scratch_that_loses_says_nothing_of_the_line(world: World) -> None:
    world.version("1")
    assert "line_ended" not in world.runs("d9", LOST.model_copy(update={"rung": "scratch"}))
    assert world.standing == "2"


def test_a_promotion_of_an_earlier_version_ends_the_line_of_the_one_taken_back(world: World) -> None:
    """`ratoon promote --version 1` is a roll-back by another name."""
    world.version("1", proven=True)
    world.moves("2")
    world.moves("1")
    world.registry.offer(world.registry.version("2"))
    assert world.standing is None


def test_so_does_a_move_that_nobody_wrote_down_yet(world: World) -> None:
    world.version("1", proven=True)
    world.version("2", against="1")
    world.moves("2")
    world.registry.promote("1")
    assert world.standing is None


def test_a_stranger_who_is_put_back_ends_no_line(world: World) -> None:
    """Somebody gave the alias to the unproven version itself: it was caught, and may go on learning."""
    made = world.version("1")
    world.moves("2", "ungated")
    world.moves("1", "put_back")
    world.registry.offer(made)
    assert world.standing == "2"


def test_a_late_retry_does_not_take_the_alias_from_a_newer_candidate(world: World) -> None:
    old = world.version("1")
    world.version("2", against="1")
    world.registry.offer(old)
    assert world.standing == "3"


def test_a_spec_that_drops_them_keeps_and_continues_none(world: World, tmp_path: Path) -> None:
    world.version("1")
    kept = Race((Attempt(rung="warm", gate=gate_of(False)),), world.trained("1"))
    assert to_keep(world.care, kept) is kept.candidate
    world.care = Kept(spec_of(tmp_path, "drop"), world.care.stores, world.care.ledger, world.registry)
    assert world.standing is None
    assert to_keep(world.care, kept) is None
