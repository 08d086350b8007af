"""Broken data never trains a model (invariant 6), and never stops the monitor.

Every case breaks a window in which the model does real harm: were the data whole, it would train.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from processes import Ended, Processes
from project import LATE, Project

WINDOW = timedelta(days=5)


def null_flood(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    return rows.assign(wind=rows["wind"].mask(window), carrier=rows["carrier"].mask(window))


def swapped_columns(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    wind, distance = rows["wind"].copy(), rows["distance"].copy()
    return rows.assign(wind=wind.where(~window, distance), distance=distance.where(~window, wind))


def other_unit(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    return rows.assign(distance=rows["distance"].where(~window, rows["distance"] * 1000))


def missing_column(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    return rows.drop(columns="wind")


def number_as_text(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    return rows.assign(hour=rows["hour"].map("{:.0f}h".format))


def frozen_sensor(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    return rows.assign(wind=rows["wind"].where(~window, 12.3))


def duplicated_rows(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    return pd.concat([rows, rows[window], rows[window]])


def empty_window(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    return rows[~window]


def infinities(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    return rows.assign(distance=rows["distance"].where(~window, np.inf))


def nothing_at_all(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    """Every feature of every row is null, also in the reference."""
    return rows.assign(distance=np.nan, hour=np.nan, wind=np.nan, carrier=None).astype({"carrier": "object"})


def other_carriers(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    return rows.assign(carrier=rows["carrier"].where(~window, "code " + rows["carrier"].str.lower()))


def labels_from_the_past(rows: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    early = rows["event_time"] - timedelta(hours=1)
    return rows.assign(label_time=rows["label_time"].where(~window, early))


# What breaks the window, and the metric of the quality screen that must say so (None: any, or no measure at all)
Breakage = tuple[Callable[[pd.DataFrame, pd.Series], pd.DataFrame], str | None]
ORDINARY: dict[str, Breakage] = {
    "null-flood": (null_flood, "missing_share"),
    "swapped-columns": (swapped_columns, "swapped"),
    "missing-column": (missing_column, "missing_column"),
    "duplicated-rows": (duplicated_rows, "duplicates"),
    "empty-window": (empty_window, "volume"),
}
FURTHER: dict[str, Breakage] = {
    "unit-change": (other_unit, "scale"),
    "number-as-text": (number_as_text, "unreadable"),
    "frozen-sensor": (frozen_sensor, "constant"),
}
ODD: dict[str, Breakage] = {
    "infinities": (infinities, "missing_share"),
    "nothing-at-all": (nothing_at_all, None),
    "other-carriers": (other_carriers, "new_categories"),
    "labels-from-the-past": (labels_from_the_past, "label_faults"),
}


@dataclass(frozen=True)
class Case:
    project: Project
    ended: Ended


@pytest.fixture(scope="module")
def looked(
    processes: Processes, trained_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Case]:
    """What a monitor, in a process of its own, made of a breakage; those of one group are looked at together."""
    folder: Path = tmp_path_factory.mktemp("broken")
    cases: dict[str, Case] = {}

    def look(name: str) -> Case:
        if name not in cases:
            group = next(each for each in (ORDINARY, FURTHER, ODD) if name in each)
            cases.update(_look_at(processes, trained_project, folder, group))
        return cases[name]

    return look


def _look_at(
    processes: Processes, trained_project: Project, folder: Path, group: dict[str, Breakage]
) -> dict[str, Case]:
    projects = {name: trained_project.copy(folder / name) for name in group}
    for name, project in projects.items():
        rows = project.data
        window = (rows["event_time"] > LATE - WINDOW) & (rows["event_time"] <= LATE)
        project.feed(group[name][0](rows, window))
    jobs = [("monitor", [], {"spec": project.path, "at": LATE}) for project in projects.values()]
    ended = processes.run_all(*jobs)
    return {name: Case(project, each) for (name, project), each in zip(projects.items(), ended, strict=True)}


@pytest.mark.parametrize(
    "name",
    [
        *ORDINARY,
        *(pytest.param(name, marks=pytest.mark.slow) for name in FURTHER),
        *(pytest.param(name, marks=pytest.mark.long) for name in ODD),
    ],
)
def test_a_broken_window_is_written_down_and_trains_nothing(looked: Callable[[str], Case], name: str) -> None:
    project, ended = looked(name).project, looked(name).ended
    assert ended.error is None, ended.trace
    assert ended.result["action"] in ("hold", "alert")
    with project.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
        assert decision.id == ended.result["id"]
        assert decision.reasons
        assert decision.triage.evidence
        # Where no screen speaks a strategy may try in the background: it is refused, and nothing comes of it.
        assert not [run for run in context.ledger.runs.of("flights") if run.version or run.evidence.behind]
        assert [v.number for v in context.registry.versions()] == ["1"]
        serving = context.registry.champion()
        assert serving is not None and serving.number == "1"
        failed = {
            s.metric
            for s in context.ledger.decisions.signals(decision.id)
            if s.status == "fail" and s.monitor == "quality"
        }
    metric = (ORDINARY | FURTHER | ODD)[name][1]
    if metric is not None:
        assert decision.triage.verdict == "broken_data"
        assert metric in failed
    else:
        assert decision.triage.verdict in ("broken_data", "unsure")


def test_the_same_window_unbroken_does_train(decided_project: Project) -> None:
    """Without this the cases above would prove nothing."""
    with decided_project.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
    assert (decision.triage.verdict, decision.action) == ("harm", "warm_start")


def test_a_rule_that_asks_for_training_on_broken_data_is_held_back(processes: Processes, trained: Project) -> None:
    """Whatever the rules say."""
    rows = trained.data
    window = (rows["event_time"] > LATE - WINDOW) & (rows["event_time"] <= LATE)
    trained.feed(null_flood(rows, window))
    trained.write(r'(triage == "broken_data"\n    do: )alert', r"\1full_retrain")
    ended = processes.run("monitor", spec=trained.path, at=LATE)
    assert ended.error is None, ended.trace
    assert ended.result["action"] == "hold"
    assert any(answer["guard"] == "broken_data" and answer["held"] for answer in ended.result["guards"])
    with trained.context() as context:
        assert context.ledger.runs.of("flights") == []
