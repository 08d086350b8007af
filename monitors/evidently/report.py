"""Evidently's side: frames as it can read them, one report, and what each column's test said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from evidently import Dataset
    from evidently.core.report import Snapshot as EvidentlySnapshot

Snapshot: TypeAlias = "EvidentlySnapshot"  # a text at run time: Evidently takes seconds to import


@dataclass(frozen=True)
class Run:
    """One of Evidently's snapshots, the *title* it is kept under and the id it will have in the workspace.

    *metric* and *columns* name what a new project's dashboard draws.
    """

    id: str
    title: str
    snapshot: Snapshot
    metric: str = ""
    columns: tuple[str, ...] = ()


def dataset(frame: pd.DataFrame, *, numbers: list[str], categories: list[str], **tasks: object) -> Dataset:
    """An Evidently Dataset of the named columns alone; every list is given, so that nothing is inferred.

    *tasks* go to DataDefinition as they are (`regression=`, `classification=`).
    """
    from evidently import DataDefinition, Dataset

    definition = DataDefinition(
        numerical_columns=numbers,
        categorical_columns=categories,
        text_columns=[],
        datetime_columns=[],
        list_columns=[],
        unknown_columns=[],
        **tasks,
    )
    plain = frame[[*numbers, *categories]].reset_index(drop=True)
    # inf splits Evidently's verdicts and crashes its histograms: missing, as our screen counts it too
    plain[numbers] = plain[numbers].astype(float).replace([np.inf, -np.inf], np.nan)
    return Dataset.from_pandas(plain, data_definition=definition)


def drift_report(
    reference: pd.DataFrame, current: pd.DataFrame, thresholds: Mapping[str, float], method: str
) -> Snapshot:
    """One report with one ValueDrift per column of *thresholds*, each with its method and threshold named."""
    from evidently import Report
    from evidently.metrics import ValueDrift

    numbers = [c for c in thresholds if reference[c].dtype.kind == "f"]
    categories = [c for c in thresholds if c not in numbers]
    report = Report(
        [ValueDrift(column=c, method=method, threshold=t) for c, t in thresholds.items()], include_tests=True
    )
    return report.run(
        current_data=dataset(current, numbers=numbers, categories=categories),
        reference_data=dataset(reference, numbers=numbers, categories=categories),
    )
