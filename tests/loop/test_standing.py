"""Which version a strategy's next update goes on from, and when its line ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratoon.ledger.ledger import Ledger, Promotion, PromotionKind
from ratoon.loop.context import Stores
from ratoon.loop.learn.candidates import lines
from ratoon.loop.learn.register import to_keep
from ratoon.models.gate import GateResult, Stratum
from ratoon.models.ladder.attempt import Attempt
from ratoon.models.ladder.run import LadderResult
from ratoon.models.learning.state import TrainingState
from ratoon.models.learning.trained import Trained
from ratoon.models.registry.evidence import Evidence
from ratoon.models.registry.in_memory import InMemoryRegistry
from ratoon.models.registry.versions import Version
from ratoon.spec.errors import RegistryError
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.stores import stores_of
from ratoon.spec.values import History, PastDecision, Trial

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
        self.registry = InMemoryRegistry(spec)
        self.context = Stores(spec, stores_of(spec), ledger, self.registry)
        self.day = 0
        self.history = History(model="m")

    def trained(self, parent: str | None, strategy: Any = "warm") -> Trained:
        state = TrainingState(
            family="own", task="regression", features=(), watermark=START + self.day * DAY, learned_rows=1,
            fingerprint=0, strategy=strategy if parent else "first", parent=parent, seed=0,
        )  # fmt: skip
        return Trained("an estimator", state)

    def version(
        self, parent: str | None = None, *, against: str | None = None, proven: bool = False, strategy: Any = "warm"
    ) -> Version:
        """A version that was made today."""
        self.day += 1
        gate = gate_of(proven) if parent else None
        evidence = Evidence(
            f"d{self.day}", START + self.day * DAY, pd.DataFrame(), gate=gate, against=against or parent
        )
        return self.registry.register(self.trained(parent, strategy), evidence)

    def moves(self, to: str, kind: PromotionKind = "promotion") -> None:
        self.day += 1
        previous = self.registry.promote(to)
        self.context.ledger.promotions.record(
            Promotion(
                model="m",
                version=to,
                previous=previous,
                at=START + self.day * DAY,
                kind=kind,
                actor="test",
                reason="",
                decision=None,
            )
        )

    @property
    def standing(self) -> str | None:
        serving = self.registry.champion()
        assert serving is not None
        found = lines(self.context, serving.number, self.history).get("warm")
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
    assert world.version("1").aliases == ("candidate", "candidate-warm")
    assert world.registry.challenger() is None
    assert world.standing == "2"
    world.version("2", against="1")
    assert world.standing == "3"


def test_a_challenger_that_waits_for_review_is_gone_on_from_too(world: World) -> None:
    assert world.version("1", proven=True).aliases == ("candidate", "candidate-warm", "challenger")
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


def test_the_line_goes_on_where_another_strategys_version_serves(world: World) -> None:
    """Its trials compare it with whatever serves; being passed over once is no end."""
    world.version("1")
    other = world.version()
    world.moves(other.number)
    assert world.standing == "2"


def lost_to(champion: str, *gains: float) -> History:
    """Looks at which the line of `warm` gained so much over *champion*."""
    looks = []
    for n, gain in enumerate(gains):
        trial = Trial(
            strategy="warm", version="2", role="champion", against=champion, rows=500, telling=500, gain=gain,
            variance=0.0001,
        )  # fmt: skip
        known = {"id": f"l{n}", "at": START + n * DAY, "action": "hold", "verdict": "healthy", "facts": {"n": n}}
        looks.append(PastDecision.model_validate({**known, "champion": champion, "trials": (trial,)}))
    return History(model="m", champion=champion, decisions=tuple(looks))


@pytest.mark.parametrize(
    ("gains", "goes_on"),
    [((-0.2,), True), ((-0.2, -0.2, -0.2, -0.2), False), ((-0.2, 0.2, -0.2, 0.2), True), ((0.1,) * 6, True)],
)
def test_a_line_that_is_proven_worse_begins_anew_from_the_champion(
    world: World, gains: tuple[float, ...], goes_on: bool
) -> None:
    """One strange window is no proof."""
    world.version("1")
    world.history = lost_to("1", *gains)
    assert world.standing == ("2" if goes_on else None)


def test_each_strategy_has_a_line_of_its_own(world: World) -> None:
    world.version("1")
    replayed = world.version("1", strategy="warm_replay")
    assert lines(world.context, "1", world.history).keys() == {"warm", "warm_replay"}
    world.registry.let_go("warm_replay")
    assert world.standing == "2"
    assert world.registry.version(replayed.number).aliases == ()
    assert "warm_replay" not in lines(world.context, "1", world.history)


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
    world.registry.let_go("warm")
    assert world.standing is None
    assert world.registry.version("2").aliases == ()


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
    kept = LadderResult((Attempt(strategy="warm", gate=gate_of(False)),), world.trained("1"))
    assert to_keep(world.context, kept) is kept.candidate
    world.context = Stores(spec_of(tmp_path, "drop"), world.context.stores, world.context.ledger, world.registry)
    assert world.standing is None
    assert to_keep(world.context, kept) is None
