"""How a training state begins with a first or scratch fit and carries on with each update.

What every learner refuses, whatever its family, is checked here: holdout rows, rows learned before,
rows that the state's contract does not fit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import cast

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from ...data.columns import HOLDOUT, ID, LABEL_TIME
from ...data.holdout import fingerprint
from ...spec.errors import ContractBroken, DataError, Refused
from ...spec.keys.watching import OF_CLASSES, Task
from ...spec.model import Spec
from ..estimators import Array, Classes, Estimator, Label, Predictor
from ..subprocesses.remote import RemoteEstimator
from .arrival import by_arrival
from .contract import described, differences, vocabularies
from .features import Feature, could_not, features_of, table, target
from .how import FIRST, How, Origin
from .libraries import installed
from .reservoir import kept
from .state import MODULUS, ONLY_SCRATCH, TrainingState
from .trained import Trained


def learnable(rows: pd.DataFrame) -> pd.DataFrame:
    """*rows* in (label time, id) order; raises Refused where one is a holdout row or doubled (invariants 1, 2)."""
    held = rows[HOLDOUT].astype(bool)
    if held.any():
        raise Refused(
            f"{int(held.sum())} of {len(rows)} rows are holdout rows, such as {rows['_id'][held].iloc[0]!r}; "
            "no version may learn them. Nothing was learned"
        )
    doubled = rows[ID].duplicated()
    if doubled.any():
        raise Refused(f"row {rows['_id'][doubled].iloc[0]!r} comes twice; a row is learned once. Nothing was learned")
    return by_arrival(rows)


def start_state(
    family: str,
    estimator: Predictor,
    rows: pd.DataFrame,
    spec: Spec,
    origin: Origin = FIRST,
    *,
    libraries: Collection[str] = (),
    fit: Callable[[pd.DataFrame, Array], object] | None = None,
) -> Trained:
    """Fit *estimator* on *rows* (at least one) and begin a state.

    *libraries*: those that the family learns with, whose versions are written down. *fit*: how the family fits
    *estimator* in place; left out: its own `fit`.
    """
    rows = learnable(rows)
    if rows.empty:
        raise DataError(
            f"{spec.path}: no labelled rows to learn from (rows of the holdout left out); nothing was trained. "
            "Check data.source, data.label_time and the moment asked for with `ratoon check`"
        )
    features = features_of(rows)
    y = target(rows, spec.task)
    labels = _classes(y, spec)
    notes = _fit(fit or cast(Estimator, estimator).fit, rows, features, y, str(spec.path))
    reservoir = kept(None, rows, spec.replayed)
    state = TrainingState(
        family=family,
        task=spec.task,
        features=features,
        classes=labels,
        watermark=_newest(rows),
        since=origin.since,
        learned_rows=len(rows),
        fingerprint=fingerprint(rows[ID]),
        strategy=origin.strategy,
        parent=origin.parent,
        seed=spec.seed,
        notes=notes,
        versions=installed(libraries),
        vocabularies=vocabularies(estimator, features, rows),
        replay_rows=0 if reservoir is None else len(reservoir),
        holdout=spec.data.holdout,
        mature_after=spec.data.matured,
        **described(estimator),
    )
    return Trained(estimator, state, reservoir=reservoir)


def _fit(
    fit: Callable[[pd.DataFrame, Array], object],
    rows: pd.DataFrame,
    features: tuple[Feature, ...],
    y: Array,
    where: str,
) -> tuple[str, ...]:
    """Fit in place; what should be noted of it. An iteration limit reached is the build function's choice."""
    X = table(rows, features)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        try:
            fit(X, y)
        except (ValueError, TypeError) as error:
            raise DataError(f"{where}: {could_not('learn', X, error)}") from error
    for each in caught:
        if not issubclass(each.category, ConvergenceWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    limited = any(issubclass(each.category, ConvergenceWarning) for each in caught)
    return ("the fit ended at its iteration limit, before convergence",) if limited else ()


def fits(champion: Trained, rows: pd.DataFrame, libraries: Collection[str] | None = None) -> tuple[pd.DataFrame, Array]:
    """*rows* in learning order and their labels, shape (n,), once nothing forbids to continue *champion* on them.

    *libraries*: as `TrainingState.check_versions`.

    Raises ContractBroken naming the difference, Refused for holdout rows and rows behind the watermark.
    """
    rows = learnable(rows)
    state = champion.state
    state.check_versions(libraries)
    state.check(rows)
    if not isinstance(
        champion.estimator, RemoteEstimator
    ):  # one in a process of its own cannot be looked into from here
        found = differences(champion.estimator, state, champion.reservoir)
        if found:
            raise ContractBroken(f"{'; '.join(found)}: {ONLY_SCRATCH}")
    behind = rows[LABEL_TIME] <= pd.Timestamp(state.watermark)
    if behind.any():
        raise Refused(
            f"{int(behind.sum())} of {len(rows)} rows lie behind the watermark {state.watermark} and may have been "
            f"learned already, such as {rows['_id'][behind].iloc[0]!r}; nothing was learned"
        )
    y = target(rows, state.task)
    state.check_classes(y)
    return rows, y


def prepare_update(
    champion: Trained, rows: pd.DataFrame, how: How, libraries: Collection[str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, Array]:
    """What an update learns, once nothing forbids to continue *champion* on *rows*.

    Returns *rows* in learning order, the same behind those that *how* replays, and the labels of the latter, shape
    (n,). Raises ContractBroken naming the difference, Refused for holdout rows and rows behind the watermark.
    """
    rows, y = fits(champion, rows, libraries)
    if how.replay.empty:
        return rows, rows, y
    replay = learnable(how.replay)
    # A column that is no feature, such as the served prediction, may be younger than the reservoir.
    mixed = pd.concat([replay.reindex(columns=rows.columns), rows], ignore_index=True)
    return rows, mixed, np.concatenate([target(replay, champion.state.task), y])


def advance_state(
    champion: Trained, estimator: Predictor, rows: pd.DataFrame, spec: Spec, how: How, **facts: object
) -> Trained:
    """The update's result: *estimator* with the champion's state and reservoir moved forward over *rows*."""
    state = champion.state
    reservoir = kept(champion.reservoir, rows, spec.replayed)
    moved = {
        "watermark": _newest(rows),
        "learned_rows": state.learned_rows + len(rows),
        "fingerprint": (state.fingerprint + fingerprint(rows[ID])) % MODULUS,
        "updates": state.updates + 1,
        "strategy": how.strategy,
        "parent": champion.version,
        "versions": installed(state.versions),
        "reference": None,
        "profile": None,
        "accepted": {},
        "frozen_because": {},
        "notes": (),
        "vocabularies": vocabularies(estimator, state.features, rows, state.vocabularies),
        "replay_rows": 0 if reservoir is None else len(reservoir),
        **described(estimator),
        **facts,
    }
    after = TrainingState.model_validate(state.model_copy(update=moved).model_dump())
    return Trained(estimator, after, reservoir=reservoir)


def refuse_blocks(kind: str, how: How) -> None:
    """ContractBroken where *how* is `warm_blocks`, for a model of that *kind* that is no sum of trees."""
    if how.strategy == "warm_blocks":
        raise continued_error(f"{kind} is no sum of trees and has no blocks to renew: warm_blocks has no meaning")


def continued_error(what: str) -> ContractBroken:
    """The refusal of an estimator that cannot continue at all."""
    return ContractBroken(
        f"{what}; the champion was left as it was, only the `scratch` strategy can learn the new rows"
    )


def _newest(rows: pd.DataFrame) -> datetime:
    newest: datetime = rows[LABEL_TIME].max().to_pydatetime()
    return newest


def classes_needed(task: Task, found: int) -> str | None:
    """How many classes *task* needs, in words, where *found* are another number; None where they will do."""
    if found < 2 or (task == "binary" and found > 2):
        return "exactly two" if task == "binary" else "at least two"
    return None


def _classes(y: Array, spec: Spec) -> Classes:
    if spec.task not in OF_CLASSES:
        return ()
    labels: Sequence[Label] = np.unique(y).tolist()
    if needed := classes_needed(spec.task, len(labels)):
        raise DataError(
            f"{spec.path}: task {spec.task!r} needs {needed} "
            f"classes in data.target {spec.data.target!r}; found {len(labels)}: {', '.join(map(str, labels[:10]))}. "
            "Nothing was trained"
        )
    return tuple(labels)
