"""Names and methods of 0.1 that moved work on, and say where they are now."""

from __future__ import annotations

import importlib
import json
import warnings
from datetime import datetime
from importlib.resources import files

import pytest

from ratoon.ledger.ledger import Ledger

TABLE = json.loads((files("ratoon") / "former.json").read_text())
PLACES = sorted(
    {
        place if ":" in place else f"{place}:"
        for entry in TABLE.values()
        for place in ([entry] if isinstance(entry, str) else [entry[0], *entry[1].values()])
    }
)
OPTIONAL = ("models.families.torch.made", "models.families.torch.served")  # import PyTorch


def test_each_place_is_there() -> None:
    """A name that moves again takes its entry along."""
    gone = []
    for place in PLACES:
        module, _, name = place.partition(":")
        if module.startswith(OPTIONAL):
            continue
        found = importlib.import_module(f"ratoon.{module}")
        if name and not hasattr(found, name):
            gone.append(place)
    assert gone == []


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("loop.care", "Care", "loop.context:ModelContext"),
        ("models.shelf", "Shelf", "models.registry.in_memory:InMemoryRegistry"),
        ("loop.learn", "ladder", "loop.learn.strategies:ladder"),
        ("loop.learn", "first_version", "loop.learn.first:first_version"),
        ("data.metrics", "METRICS", "data.metrics.metrics:METRICS"),
        ("spec.watching", "QualitySpec", "spec.keys.watching:QualitySpec"),
        ("spec.model", "CsvSpec", "spec.keys.data:CsvSpec"),
        ("spec.model", "LimitsSpec", "spec.keys.learner:LimitsSpec"),
        ("spec.watching", "METRICS_OF", "spec.keys.metric:METRICS_OF"),
        ("spec.stores", "Stores", "spec.stores:StoreAddresses"),
        ("models.gate", "Foretold", "models.gate.judge:PrequentialPredictions"),
        ("models.race", "Race", "models.ladder.result:LadderResult"),
        ("models.race", "climb", "models.ladder.run:run_ladder"),
        ("models.outlook", "Outlook", "models.ladder.skipped:SkippedStrategies"),
        ("policy.flight", "WholeData", "policy.guards.always:ValidData"),
        ("backtest.strategies", "Strategy", "backtest.deciders:Decider"),
        ("ledger.ledger", "Flight", "ledger.entries:TrainingRun"),
        ("ledger.entries", "Look", "ledger.entries:Evaluation"),
        ("loop.look", "look", "loop.observe.windows:read_windows"),
        ("spec.values", "LadderRung", "spec.values:Strategy"),
        ("paper.marks", "__doc__", None),
    ],
)
def test_a_former_name_is_what_it_became(old: str, name: str, new: str | None) -> None:
    module = importlib.import_module(f"ratoon.{old}")
    if new is None:
        assert not hasattr(module, "nothing_like_this")
        return
    place, _, found = new.partition(":")
    with pytest.warns(DeprecationWarning, match=f"ratoon.{place}.{found} now"):
        value = getattr(module, name)
    assert value is getattr(importlib.import_module(f"ratoon.{place}"), found)


def test_a_module_that_never_was_is_none() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("ratoon.loop.nothing_like_this")


def test_a_former_method_of_the_ledger_does_what_it_did() -> None:
    with Ledger.open("sqlite://") as ledger:
        with pytest.warns(DeprecationWarning, match="promotions.record"):
            record = ledger.record_promotion  # type: ignore[attr-defined]
        record(
            model="m", version="1", previous=None, at=datetime(2026, 1, 1), kind="first", actor="t", reason="",
            decision=None,
        )  # fmt: skip
        assert [each.version for each in ledger.promotions.of("m")] == ["1"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert ledger.champions("m") == ledger.promotions.of("m")  # type: ignore[attr-defined]
            assert ledger.decisions("m") == ledger.decisions.of("m") == []
        with pytest.raises(AttributeError):
            ledger.nothing_like_this  # type: ignore[attr-defined]  # noqa: B018
