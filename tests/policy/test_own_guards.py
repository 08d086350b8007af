"""Guards of a team's own: asked as any other, and one that fails holds its rule back."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ratoon.policy.decide import decide
from ratoon.policy.guards.built_in import BUILT_IN_GUARDS
from ratoon.policy.guards.conformance import faults
from ratoon.policy.guards.guards import guards_of
from ratoon.policy.guards.own import check_guards, guards_from, make_guard
from ratoon.spec.errors import SpecError
from ratoon.spec.keys.rules import OwnGuardSpec, Policy, Rule
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.values import Decision, History, Span

NOW = datetime(2026, 12, 2, 9)
WINDOW = Span(start=NOW - timedelta(days=7), end=NOW)
FILE = """
class Freeze:
    name = "freeze"

    def __init__(self, months=(12,)):
        self.months = tuple(months)

    def __call__(self, case):
        return "no releases in this month" if case.now.month in self.months else None

class Raises(Freeze):
    def __call__(self, case):
        raise KeyError("month")

class Exits(Freeze):
    def __call__(self, case):
        raise SystemExit(0)

class Number(Freeze):
    def __call__(self, case):
        return 3

class Forgets(Freeze):
    asked = 0

    def __call__(self, case):
        self.asked += 1
        return "twice" if self.asked % 2 else None

class Nameless:
    def __call__(self, case):
        return None
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "guards.py").write_text(FILE)
    return tmp_path


def decided(folder: Path, *own: Any, at: datetime = NOW) -> Decision:
    rule = Rule.model_validate({"when": "true", "do": "alert", "own": own})
    return decide(
        [],
        History(model="m"),
        Policy(rules=(rule,), metric="mae", every=timedelta(days=1)),
        at,
        model="m",
        window=WINDOW,
        own=guards_from(folder, "spec.yaml"),
    )


def test_it_holds_its_rule_back_with_its_own_words(folder: Path) -> None:
    held = decided(folder, "guards.py:Freeze")
    assert held.action == "hold"
    assert [(each.guard, each.held, each.text) for each in held.guards] == [
        ("freeze", True, "no releases in this month")
    ]
    later = decided(folder, "guards.py:Freeze", at=NOW + timedelta(days=40))
    assert later.action == "alert"
    assert [(each.guard, each.held) for each in later.guards] == [("freeze", False)]


def test_its_settings_are_what_it_is_made_with(folder: Path) -> None:
    assert decided(folder, {"use": "guards.py:Freeze", "months": [1]}).action == "alert"
    assert decided(folder, {"use": "guards.py:Freeze", "months": [1, 12]}).action == "hold"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("guards.py:Raises", "KeyError"),
        ("guards.py:Exits", "SystemExit"),
        ("guards.py:Number", "int"),
        ("guards.py:Nothing", "has no 'Nothing'"),
        ("elsewhere.py:Freeze", "found none"),
        ("never_installed", "ratoon.guards"),
    ],
)
def test_one_that_fails_holds_its_rule_back(folder: Path, name: str, words: str) -> None:
    """Nobody knows what it would have said."""
    found = decided(folder, name)
    assert found.action == "hold"
    (answer,) = found.guards
    assert answer.held and words in answer.text


def test_without_the_spec_it_holds_its_rule_back() -> None:
    rule = Rule.model_validate({"when": "true", "do": "alert", "own": ["guards.py:Freeze"]})
    assert (
        decide(
            [],
            History(model="m"),
            Policy(rules=(rule,), metric="mae", every=timedelta(days=1)),
            NOW,
            model="m",
            window=WINDOW,
        ).action
        == "hold"
    )


def test_another_guard_makes_another_rule() -> None:
    rules = [Rule.model_validate({"when": "true", "do": "alert", "own": own}) for own in ([], ["a.py:A"], ["a.py:B"])]
    assert len({rule.content_hash for rule in rules}) == 3


def spec_with(folder: Path, guard: str) -> Spec:
    (folder / "spec.yaml").write_text(
        "model: m\ntask: binary\ndata: {source: a.parquet, id: i, time: t, target: y, label_delay: 1d}\n"
        "learner: {build: training.py:build}\nmonitors: {window: 7d, every: 1d}\n"
        f"policy: [{{when: 'true', do: alert, own: [{guard}]}}]\n"
    )
    return load_spec(folder / "spec.yaml")


def test_check_names_what_is_wrong(folder: Path) -> None:
    assert check_guards(spec_with(folder, "guards.py:Freeze")) == ["freeze"]
    with pytest.raises(SpecError, match=r"policy\[0\]\.own: 'guards.py:Nameless': its `name`"):
        check_guards(spec_with(folder, "guards.py:Nameless"))


@pytest.mark.parametrize("name", ["Raises", "Exits", "Number", "Forgets", "Nameless"])
def test_the_conformance_suite_finds_it(folder: Path, name: str) -> None:
    spec = OwnGuardSpec(use=f"guards.py:{name}")
    if name == "Nameless":
        with pytest.raises(SpecError):
            make_guard(spec, folder, "spec.yaml")
        return
    assert faults(make_guard(spec, folder, "spec.yaml"))


def test_one_that_is_right_conforms(folder: Path) -> None:
    assert faults(make_guard(OwnGuardSpec(use="guards.py:Freeze"), folder, "spec.yaml")) == []


def test_no_guard_of_ratoons_is_missing_among_the_names_that_are_taken() -> None:
    rule = Rule.model_validate(
        {
            "when": "true", "do": "warm_start", "min_rows": 1, "growth": 1.5, "persist": {"k": 1, "n": 2},
            "cooldown": "1d", "back_off": {"first": "1d", "most": "2d"}, "budget": {"runs": 1, "per": "1d"},
            "cost": {"per": "1d", "cpu": "1h"}, "quiet": "22:00-06:00",
        }
    )  # fmt: skip
    assert {guard.name for guard in guards_of(rule)} == BUILT_IN_GUARDS
