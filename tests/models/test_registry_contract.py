"""One contract for every registry: MLflow's, read through its client or from its file, and the one in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd
import pytest

from ratoon.models.gate import GateResult, Stratum
from ratoon.models.ladder.run import first
from ratoon.models.registry.evidence import Evidence
from ratoon.models.registry.in_memory import InMemoryRegistry
from ratoon.models.registry.mlflow_versions import MlflowVersions
from ratoon.models.registry.versions import Unclaimed, Version
from ratoon.spec.errors import AliasMoved, Refused, RegistryError

AT = datetime(2026, 2, 1)


@dataclass
class Held:
    """A registry, and what it takes to fill it."""

    registry: Any
    trained: Any
    example: pd.DataFrame

    def register(self, decision: str, *, strategy: str = "warm", gate: str = "passed", **more: Any) -> Version:
        """A version of *decision* whose gate said `passed`, `unproven` or `background`; `none`: there was no gate."""
        state = self.trained.state.model_copy(update={"strategy": strategy, "parent": more.pop("parent", None)})
        evidence = Evidence(
            decision=decision,
            at=AT,
            example=self.example,
            gate=None if gate in ("none", "background") else said(gate == "passed"),
            background=gate == "background",
        )
        return self.registry.register(replace(self.trained, state=state), evidence, **more)

    def aliases(self) -> dict[str, str]:
        return {alias: each.number for each in self.registry.versions() for alias in each.aliases}


def said(passed: bool) -> GateResult:
    verdict: Any = "passed" if passed else "unsure"
    stratum = Stratum(name="recent", rows=9, needed="better", verdict=verdict, reason="few rows", refuted=False)
    return GateResult(metric="mae", confidence=0.95, strata=(stratum,))


@pytest.fixture(scope="module")
def trained(make_spec: Any, make_rows: Any) -> Any:
    spec = make_spec("sgd_regression", "regression", learner={"epochs": 1})
    return first(spec, make_rows(60, "regression"))[0]


@pytest.fixture(params=["memory", "file", "client"])
def held(request: pytest.FixtureRequest, registry_of: Any, make_spec: Any, make_rows: Any, trained: Any) -> Held:
    model = "contract-" + request.node.name.replace("[", "-").replace("]", "")[:90]
    if request.param == "memory":
        registry: Any = InMemoryRegistry(make_spec("sgd_regression", "regression", model=model))
    else:
        registry = registry_of(model, "sgd_regression", "regression")
        if request.param == "client":
            registry.reads.source = MlflowVersions(registry.connection)
    return Held(registry, trained, make_rows(10, "regression"))


class Lost(Unclaimed):
    """A claim that is lost when the registry asks for the *nth* time; *then* runs just before."""

    def __init__(self, nth: int, then: Callable[[], object] = lambda: None, newest: str | None = None) -> None:
        self._left, self._then, self._newest = nth, then, newest

    def check(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._then()
            raise Refused("another process took its place")

    def take_back(self, decision: str, version: str) -> bool:
        return True

    def newest_offered(self) -> str | None:
        return self._newest


class OffersAnother(Unclaimed):
    """The ledger says that the decision offers another version already."""

    def __init__(self, number: str) -> None:
        self._number = number

    def offer(self, decision: str, version: str) -> str:
        return self._number

    def take_back(self, decision: str, version: str) -> bool:
        return True


def test_an_empty_registry_has_nothing_and_says_what_to_do(held: Held) -> None:
    registry = held.registry
    assert (registry.versions(), registry.rejected(), registry.candidates()) == ((), (), {})
    assert (registry.champion(), registry.challenger(), registry.of_decision("d1")) == (None, None, None)
    registry.let_go()
    registry.let_go("warm")
    for ask in (registry.version, registry.load, registry.promote):
        with pytest.raises(RegistryError, match=r"no version or alias 'champion'.*ratoon train"):
            ask("champion")


def test_versions_are_numbered_and_found_by_number_alias_and_decision(held: Held) -> None:
    one = held.register("d1", strategy="first", gate="none")
    two = held.register("d2", parent="1")
    registry = held.registry
    assert [each.number for each in registry.versions()] == ["2", "1"]
    assert registry.version(2) == registry.version("2") == registry.version("challenger") == two
    assert registry.of_decision("d1").number == one.number
    assert (two.model, two.decision, two.strategy, two.parent, two.against) == (registry.model, "d2", "warm", "1", "1")
    assert two.meta.at == AT and two.meta.gate == "passed" and two.meta.watermark == held.trained.state.watermark
    assert registry.load("2").version == "2" and registry.load("2").state.strategy == "warm"
    assert registry.load("2").estimator is not held.trained.estimator
    with pytest.raises(RegistryError, match="no version or alias 7"):
        registry.version(7)
    assert registry.page("1") is None


def test_a_decision_gets_one_version_and_its_aliases_are_repaired(held: Held) -> None:
    one = held.register("d1")
    held.registry.let_go("warm")
    assert held.aliases() == {"challenger": "1"}
    again = held.register("d1")
    assert again.number == one.number and len(held.registry.versions()) == 1
    assert again.aliases == ("candidate", "candidate-warm", "challenger")


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("passed", ["candidate", "candidate-warm", "challenger"]),
        ("unproven", ["candidate", "candidate-warm"]),
        ("background", ["candidate-warm"]),
        ("none", ["challenger"]),
    ],
)
def test_the_gate_tells_which_aliases_a_version_gets(held: Held, gate: str, expected: list[str]) -> None:
    made = held.register("d1", gate=gate)
    assert list(made.aliases) == expected
    assert made.unproven == (gate in ("unproven", "background"))


def test_an_older_decision_takes_no_alias_from_a_newer_one(held: Held) -> None:
    held.register("d1")
    held.register("d2", strategy="scratch")
    held.register("d1")
    assert held.aliases() == {"challenger": "2", "candidate": "2", "candidate-warm": "1", "candidate-scratch": "2"}
    assert {strategy: each.number for strategy, each in held.registry.candidates().items()} == {
        "warm": "1",
        "scratch": "2",
    }


def test_letting_a_strategy_go_takes_the_candidate_with_it_only_if_it_is_the_same(held: Held) -> None:
    held.register("d1")
    held.register("d2", strategy="scratch")
    held.registry.let_go("warm")
    assert held.aliases() == {"challenger": "2", "candidate": "2", "candidate-scratch": "2"}
    held.registry.let_go("scratch")
    assert held.aliases() == {"challenger": "2"}
    assert len(held.registry.versions()) == 2


def test_promotion_hands_the_former_champion_back_and_ends_the_waiting(held: Held) -> None:
    held.register("d1", strategy="first", gate="none")
    held.register("d2")
    assert held.registry.promote("1") is None
    assert held.registry.promote("challenger") == "1"
    assert held.aliases() == {"champion": "2"}
    assert held.registry.champion().number == "2" and held.registry.challenger() is None
    assert held.registry.promote(1) == "2"
    assert held.registry.load().version == "1"


def test_a_champion_moved_while_a_version_was_verified_stays(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    for decision in ("d1", "d2", "d3"):
        held.register(decision)
    held.registry.promote("1")
    offers = held.registry._offers
    with pytest.raises(AliasMoved, match="v2"):
        offers.promote("2", lambda number: offers._writes.set_alias("champion", "3"))
    assert held.registry.champion().number == "3"


def test_rejected_versions_are_those_that_a_reviewer_tagged(held: Held) -> None:
    for decision in ("d1", "d2", "d3"):
        held.register(decision)
    for number in ("3", "1"):
        held.registry.set_tag(number, "review", "rejected")
    held.registry.set_tag("2", "review", "fine")
    assert [each.number for each in held.registry.rejected()] == ["1", "3"]
    assert held.registry.version("3").meta.rejected


def test_a_caught_version_says_so_in_front_of_its_description(held: Held) -> None:
    held.register("d1")
    before = held.registry.version("1").description
    held.registry.flag("1", "it was\npromoted past its gate")
    held.registry.flag(None, "nothing serves")
    found = held.registry.version("1")
    assert found.meta.caught == "it was promoted past its gate"
    assert "promoted past its gate" in found.description and found.description.endswith(before)


def test_a_discarded_version_is_gone_with_its_aliases_and_its_number_is_not_given_again(held: Held) -> None:
    held.register("d1")
    held.register("d2")
    held.registry.discard("2")
    held.registry.discard("2")  # twice is no error
    assert [each.number for each in held.registry.versions()] == ["1"]
    assert held.registry.of_decision("d2") is None and held.registry.challenger() is None
    with pytest.raises(RegistryError, match="no version or alias '2'"):
        held.registry.load("2")
    assert held.register("d3").number in ("2", "3")  # as its store counts


def test_a_version_that_could_not_be_discarded_is_none_of_its_decision(held: Held) -> None:
    held.register("d1")
    held.registry.set_tag("1", "ratoon.taken_back", "true")
    assert held.registry.of_decision("d1") is None


def test_a_claim_lost_before_the_version_leaves_none(held: Held) -> None:
    with pytest.raises(Refused):
        held.register("d1", claim=Lost(1))
    assert held.registry.versions() == ()


def test_a_claim_lost_before_the_aliases_moves_none(held: Held) -> None:
    with pytest.raises(Refused):
        held.register("d1", claim=Lost(2))
    assert held.aliases() == {}


def test_a_claim_lost_after_the_aliases_yields_to_what_was_offered_meanwhile(held: Held) -> None:
    held.register("d1")

    def another() -> None:
        held.register("d3", strategy="scratch")

    with pytest.raises(Refused):
        held.register("d2", claim=Lost(3, another, newest="3"))
    assert held.aliases()["challenger"] == held.aliases()["candidate"] == "3"


def test_a_second_version_of_a_decision_gives_way_to_the_one_that_was_offered(held: Held) -> None:
    held.register("d1")
    held.register("d2")
    offered = held.registry.offer(held.registry.version("2"), claim=OffersAnother("1"))
    assert offered.number == "1"
    assert [each.number for each in held.registry.versions()] == ["1"]


def test_one_read_sees_one_moment_and_our_own_writes(held: Held) -> None:
    held.register("d1")
    registry, writes = held.registry, held.registry._offers._writes
    with registry.one_read():
        assert registry.champion() is None
        writes.set_alias("champion", "1")  # another process does
        assert registry.champion() is None and registry.version("1").aliases == (
            "candidate",
            "candidate-warm",
            "challenger",
        )
        registry.refresh()
        assert registry.champion().number == "1"
        held.register("d2")
        assert registry.challenger().number == "2" and len(registry.versions()) == 2
    writes.set_alias("champion", "2")
    assert registry.champion().number == "2"
