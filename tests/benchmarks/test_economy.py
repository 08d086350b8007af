"""The table of economy.py: what it counts, and that a run that was cut off goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from arms import arm, steps_of
from economy import Cell, append_cell, read_cells, summary
from halves import STREAMS, chosen

NAMES = {
    "never": "never",
    "warm": "schedule, warm",
    "scratch_sliding": "schedule, scratch, sliding",
    "scratch_all": "schedule, scratch, all history",
}


def cell(ours: float, stream: str = "elec2") -> Cell:
    """Warm is the best fixed strategy, 0.8 for 2 CPU seconds; Ratoon takes 4, of which 3 beside learning."""
    fixed = [
        arm(NAMES["never"], "never", 0.6, 0, 0.0, steps=steps_of([0.6] * 8)),
        arm(NAMES["warm"], "warm", 0.8, 8, 2.0, steps=steps_of([0.8] * 8)),
        arm(NAMES["scratch_sliding"], "scratch_sliding", 0.7, 8, 9.0, steps=steps_of([0.7] * 8)),
        arm(NAMES["scratch_all"], "scratch_all", 0.75, 8, 16.0, steps=steps_of([0.75] * 8)),
    ]
    mine = arm("Ratoon", "policy", ours, 3, 1.0, beside=1.5, steps=steps_of([ours] * 8), hurt=1)
    return Cell(stream, "sgd", "roc_auc", {each.name: each for each in (mine, *fixed)})


@pytest.mark.parametrize(("ours", "verdict"), [(0.7, "loses_to"), (0.8, "cannot_tell"), (0.9, "beats")])
def test_regret_is_to_the_best_fixed_strategy_in_hindsight(ours: float, verdict: str) -> None:
    found = cell(ours)
    assert found.best is not None and found.best.kind == "warm"
    assert found.regret is not None and found.regret.verdict == verdict
    assert found.regret.value == pytest.approx(ours - 0.8)
    assert found.ratio == pytest.approx(2.0)
    assert found.fit_seconds == 2.0


def test_what_was_written_is_read_back_and_a_line_that_was_cut_off_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "cells.jsonl"
    assert read_cells(file) == []
    append_cell(file, cell(0.7))
    file.write_text(file.read_text() + cell(0.8, "bike").written()[:200])
    assert [each.stream for each in read_cells(file)] == ["elec2"]
    append_cell(file, cell(0.9, "metro"))
    found = read_cells(file)
    assert [each.stream for each in found] == ["elec2", "metro"]
    assert found[1].regret == cell(0.9).regret and found[1].ours.cpu == cell(0.9).ours.cpu


def test_the_summary_counts_cells() -> None:
    text = summary([cell(0.7), cell(0.8), cell(0.9), cell(0.9)])
    assert "4 cells. Against the best fixed strategy: 1 provably worse, 1 not told apart, 2 better." in text
    assert "All CPU at most that strategy's: 0 of 4" in text


def test_every_stream_belongs_to_one_half() -> None:
    tuning, reporting = chosen("tuning", None), chosen("reporting", None)
    assert set(tuning) | set(reporting) == set(STREAMS)
    assert not set(tuning) & set(reporting)
    assert {"elec2", "bike", "us_births"} <= set(tuning)
    made = {name for name in STREAMS if name.startswith("made-")}
    assert made & set(reporting) == {name for name in made if name.endswith("-1")}
    with pytest.raises(SystemExit):
        chosen("tuning", "metro")
