"""The gate's answer as a value: what stops a run, what older ledgers hold, what a reviewer reads."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from ratoon.models.gate import GateResult
from ratoon.models.gate.table import gate_table
from ratoon.models.ladder.attempt import Attempt
from ratoon.models.ladder.run import LadderResult
from ratoon.spec.run_record import RunRecord

RNG = np.random.default_rng(3)
LABELS = np.arange(200) % 2
BEFORE = np.clip(0.5 + 0.1 * (LABELS - 0.5) + RNG.normal(scale=0.2, size=200), 0, 1)
AFTER = np.where(LABELS == 1, 0.8, 0.2)
FULL: dict[str, Any] = {
    "slices": [{"name": "far", "where": {"b": {"from": 100}}, "margin": 0.02}],
    "flips": {"margin": 0.05},
    "calibration": {"margin": 0.3},
    "latency": {},
    "size": {"most": 3},
}

OLDER = {  # as version 0.4 wrote it
    "metric": "roc_auc",
    "confidence": 0.95,
    "strata": [
        {
            "name": "recent",
            "rows": 80,
            "champion": 0.7,
            "candidate": 0.75,
            "gain": {"value": 0.05, "low": 0.01, "high": 0.09},
            "needed": "better",
            "verdict": "passed",
            "reason": "gain +0.05 (+0.01 to +0.09) lies above zero",
        },
        {
            "name": "anchor",
            "rows": 0,
            "champion": None,
            "candidate": None,
            "gain": None,
            "needed": "at most 0.01 worse",
            "verdict": "absent",
            "reason": "the champion's lineage has no older holdout rows yet",
        },
    ],
}


@pytest.fixture(scope="module")
def full(verdict: Any, holdout: Any) -> GateResult:
    result: GateResult = verdict("roc_auc", holdout(LABELS, b=np.arange(200)), BEFORE, AFTER, (0, 1), tries=3, **FULL)
    return result


def test_a_result_of_an_older_version_still_loads() -> None:
    old = GateResult.model_validate_json(json.dumps(OLDER))
    assert old.passed
    assert (old.checks, old.tries, old.level) == ((), 1, 0.95)
    assert "no older holdout rows" in gate_table(old)


def test_a_full_result_comes_back_equal_from_json(full: GateResult) -> None:
    assert GateResult.model_validate_json(full.model_dump_json()) == full


def test_the_error_rate_is_shared_among_the_tries(full: GateResult) -> None:
    """Bonferroni: the third candidate on the same rows is judged by 98.33 % intervals, and the words say so."""
    assert full.level == pytest.approx(1 - 0.05 / 3)
    assert "Candidate 3 on these rows, so judged by intervals of 98.33%" in full.text
    assert "98.33% interval" in gate_table(full)


def test_the_table_shows_strata_slices_and_checks_within_a_page(full: GateResult) -> None:
    table = gate_table(full, width=118)
    for name in ("recent", "anchor", "recent/far", "flips of recent", "calibration of recent", "latency", "size"):
        assert f"| {name} |" in table, name
    assert max(len(line) for line in table.splitlines()) <= 120


def test_a_page_is_given_whole_sentences(full: GateResult) -> None:
    """Prefect's pages show every end of a line: a sentence broken for a terminal reads as a ragged column there."""
    said = [line for line in gate_table(full).splitlines() if line and not line.startswith("|")]
    assert all(line.endswith(".") and line.startswith(("- ", "Judged")) for line in said)


def test_every_reason_stands_below_the_table(full: GateResult) -> None:
    said = " ".join(gate_table(full).split())
    for each in (*full.strata, *full.checks):
        assert " ".join(each.reason.split()).rstrip(".") in said


def test_a_refused_check_is_no_pass_and_no_promise(full: GateResult) -> None:
    checks = tuple(c.model_copy(update={"verdict": "refused"}) if c.name == "size" else c for c in full.checks)
    refused = full.model_copy(update={"checks": checks})
    assert (full.passed, refused.passed, refused.promising) == (True, False, False)
    assert "size: " in refused.text


def test_a_check_that_cannot_be_judged_holds_back_and_stops_the_run(full: GateResult) -> None:
    """More rows may settle it; a dearer strategy is judged on the same ones."""
    checks = tuple(c.model_copy(update={"verdict": "unsure"}) if c.name == "flips" else c for c in full.checks)
    unsure = full.model_copy(update={"checks": checks})
    assert (unsure.passed, unsure.promising) == (False, True)


def test_the_ledger_takes_the_gain_of_the_attempt_that_passed_all_checks(full: GateResult) -> None:
    checks = tuple(c.model_copy(update={"verdict": "refused"}) for c in full.checks)
    strata = tuple(
        s.model_copy(update={"gain": s.gain.model_copy(update={"value": 0.5})}) if s.gain else s for s in full.strata
    )
    refused = full.model_copy(update={"checks": checks, "strata": strata})
    attempts = [{"gate": each.model_dump(mode="json")} for each in (refused, full, refused)]
    assert full.strata[0].gain is not None
    assert RunRecord.model_validate({"attempts": attempts}).gain == full.strata[0].gain.value
    assert RunRecord.model_validate({"attempts": [{"gate": OLDER}]}).gain == 0.05


def test_the_gate_shown_of_a_ladder_of_all_is_the_winners(full: GateResult) -> None:
    lost = full.model_copy(update={"strata": tuple(s.model_copy(update={"verdict": "refused"}) for s in full.strata)})
    result = LadderResult((Attempt(strategy="warm", gate=full), Attempt(strategy="scratch", gate=lost)))
    assert result.gate == full


def test_a_margin_that_the_rows_cannot_tell_says_how_many_could(verdict: Any, holdout: Any) -> None:
    """Else every candidate is refused, and nobody learns that it is the holdout's size."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 6_000).astype(float)
    before = labels + rng.normal(size=6_000)
    after = labels + rng.normal(size=6_000) * 0.99

    def judged(rows: int) -> Any:
        part = slice(0, rows)
        found = verdict("mae", holdout(labels[part]), before[part], after[part], (), recent={"margin": 0.04})
        return found.strata[0]

    few, many = judged(400), judged(6_000)
    assert few.verdict == "refused" and few.gain.low < few.gain.value
    wanted = re.search(r"about ([\d,]+) rows could tell, here are 400$", few.reason)
    assert wanted is not None, few.reason
    assert 400 < int(wanted[1].replace(",", "")) <= 6_000
    assert many.verdict == "passed"


def test_a_gain_below_the_margin_is_not_a_matter_of_rows(verdict: Any, holdout: Any) -> None:
    labels = RNG.normal(size=300)
    found = verdict("mae", holdout(labels), labels + 0.1, labels + 0.3, (), recent={"margin": 0.04})
    assert found.strata[0].verdict == "refused" and "could tell" not in found.strata[0].reason
