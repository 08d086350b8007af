"""What happens after a moment changes nothing that is decided or learned at it, and the holdout nothing at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from processes import Processes
from project import LATE, TRAINED, Project, timeless, write_project

from ratoon.cli.commands.init import example_flights

SHARE = 0.15


def held_out(row_id: str) -> bool:
    """The holdout by its definition, written down once more."""
    digest = hashlib.md5(f"holdout:{row_id}".encode(), usedforsecurity=False).hexdigest()[:8]
    return int(digest, 16) < round(SHARE * 16**8)


def tally_of(ids: pd.Series) -> tuple[int, int]:
    digests = [hashlib.md5(each.encode(), usedforsecurity=False).hexdigest()[:8] for each in ids]
    return len(ids), sum(int(each, 16) for each in digests) % 2**61


def with_another_future(rows: pd.DataFrame, now: datetime, seed: int) -> pd.DataFrame:
    """The same world up to *now*; later rows are others and far more, and labels not yet arrived are wrong."""
    rng = np.random.default_rng(seed)
    known = rows[rows["event_time"] <= now].copy()
    waiting = known["label_time"] > now
    known.loc[waiting, "late"] = 1 - known.loc[waiting, "late"]
    known.loc[waiting, "label_time"] += timedelta(days=3)
    future = rows.sample(4000, replace=True, random_state=seed).reset_index(drop=True)
    future["row_id"] = [f"X{n}" for n in range(3000)] + list(known["row_id"].sample(1000, random_state=seed))
    future["event_time"] = pd.Timestamp(now) + pd.to_timedelta(rng.uniform(1e-3, 9e5, len(future)), unit="s")
    future["label_time"] = future["event_time"] + timedelta(minutes=1)
    future["late"] = 1
    future[["distance", "hour", "wind"]] = rng.normal(1e6, 1e5, (len(future), 3))
    return pd.concat([known, future]).sample(frac=1, random_state=seed).reset_index(drop=True)


def story(project: Project) -> dict[str, Any]:
    """All that was decided and learned, with what the versions say about the same rows."""
    probe = example_flights(200, seed=9).assign(_holdout=False)
    with project.context() as context:
        decisions = context.ledger.decisions.of("flights")
        return {
            "decisions": [timeless(d) for d in decisions],
            "signals": [[s.model_dump() for s in context.ledger.decisions.signals(d.id)] for d in decisions],
            "gates": [[a.gate for a in f.evidence.attempts] for f in context.ledger.runs.of("flights")],
            "states": {
                v.number: context.registry.load(v.number).state.model_dump() for v in context.registry.versions()
            },
            "says": {
                v.number: context.registry.load(v.number).predict_frame(probe)["_score"].tolist()
                for v in context.registry.versions()
            },
        }


def test_the_future_changes_nothing(
    processes: Processes, finished_project: Project, tmp_path: Path, empty_mlflow: Callable[[Path], None]
) -> None:
    """Invariant 3, from the first training to the challenger: decision, signals, gate, states and predictions."""
    probed = write_project(tmp_path / "project")
    empty_mlflow(probed.folder / ".ratoon")
    honest = probed.data
    probed.feed(with_another_future(honest, TRAINED, seed=1))
    assert processes.run("train", spec=probed.path, at=TRAINED).result == "1"
    probed.feed(with_another_future(honest, LATE, seed=2))
    ended = processes.run("monitor", spec=probed.path, at=LATE)
    assert ended.error is None, ended.trace
    expected, found = story(finished_project), story(probed)
    assert found["signals"] == expected["signals"]
    assert found["decisions"] == expected["decisions"]
    assert found["gates"] == expected["gates"]
    assert found["states"] == expected["states"]
    assert found["says"] == expected["says"]


def test_every_version_learned_all_labelled_rows_outside_the_holdout_and_no_other(finished_project: Project) -> None:
    """Invariants 1 and 2, counted anew from the raw data."""
    rows = finished_project.data
    free = rows[~rows["row_id"].map(held_out)]
    with finished_project.context() as context:
        for version in context.registry.versions():
            state = context.registry.load(version.number).state
            known = free[free["label_time"] <= pd.Timestamp(state.watermark)]
            assert (state.learned_rows, state.fingerprint) == tally_of(known["row_id"])


@pytest.mark.slow
def test_a_version_from_scratch_leaves_the_holdout_out_too(processes: Processes, finished: Project) -> None:
    finished.write("strategies: .warm.", "strategies: [scratch]")
    finished.write("recent: not_worse", "recent: {margin: 1.0}")
    at = LATE + timedelta(days=7)
    ended = processes.run("retrain", spec=finished.path, strategy="scratch", reason="anew", at=at)
    assert ended.error is None, ended.trace
    assert ended.result["version"] == "3", ended
    rows = finished.data
    free = rows[~rows["row_id"].map(held_out)]
    with finished.context() as context:
        state = context.registry.load("3").state
        assert state.strategy == "scratch"
        assert (state.learned_rows, state.fingerprint) == tally_of(
            free.loc[free["label_time"] <= pd.Timestamp(state.watermark), "row_id"]
        )
        assert context.source.as_of(at).unlearned_count(state.watermark) == 0


@pytest.mark.slow
def test_the_holdout_moves_no_weight(processes: Processes, trained_project: Project, tmp_path: Path) -> None:
    """With every holdout row's features and label turned to nonsense, the same model comes out."""
    project = write_project(tmp_path / "project")
    rows = project.data
    held = rows["row_id"].map(held_out)
    assert 0.12 < held.mean() < 0.18
    rows.loc[held, "late"] = 1 - rows.loc[held, "late"]
    rows.loc[held, ["distance", "hour", "wind"]] *= -7
    rows.loc[held, "carrier"] = "never learned"
    project.feed(rows)
    assert processes.run("train", spec=project.path, at=TRAINED).result == "1"
    expected, found = story(trained_project), story(project)
    assert found["says"] == expected["says"]
    assert found["states"]["1"]["fingerprint"] == expected["states"]["1"]["fingerprint"]


def test_both_strata_of_the_gate_hold_all_holdout_rows_and_no_others(finished_project: Project) -> None:
    rows = finished_project.data
    held = rows[rows["row_id"].map(held_out)]
    with finished_project.context() as context:
        watermark = pd.Timestamp(context.registry.load("1").state.watermark)
        (run,) = context.ledger.runs.of("flights")
    strata = {each.name: each.rows for each in run.evidence.attempts[-1].gate.strata}
    arrived = held["label_time"] <= pd.Timestamp(LATE)
    behind = held["label_time"] <= watermark
    assert strata == {"recent": int((arrived & ~behind).sum()), "anchor": int(behind.sum())}


@pytest.mark.parametrize("now", [TRAINED, LATE])
def test_a_row_stays_on_its_side(trained: Project, now: datetime) -> None:
    """Whatever else is in the data, in whichever order, and whenever it is asked."""

    def sides(project: Project) -> dict[str, bool]:
        with project.context() as context:
            view = context.source.as_of(now)
            both = pd.concat([view.learned(now), view.holdout(None)])
            return dict(zip(both["_id"], both["_holdout"].astype(bool), strict=True))

    before = sides(trained)
    rows = trained.data
    trained.feed(pd.concat([example_flights(500, seed=5).assign(row_id=lambda f: "Z" + f["row_id"]), rows[::-1]]))
    after = sides(trained)
    assert before.items() <= after.items()
    assert len(after) > len(before)
    assert before == {each: held_out(each) for each in before}
