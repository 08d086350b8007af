"""The unit that a clustering's distances are measured in: one for a whole lineage.

Without labels, distance to the nearest centre is all that can be judged, and how far two rows lie apart is a choice of
what stands in front of the clustering: a scaler weighs the features against each other (Hastie, Tibshirani & Friedman,
The Elements of Statistical Learning, 2nd ed. 2009, section 14.3). Two models that scale differently have no distance in
common, and the one that shrinks its rows would seem the better. So the preprocessing of the first version stays frozen
along the lineage, in updates and in fits from scratch; a fit from scratch replaces the centres alone.

What is promised here is looked at again at the gate, for whatever reaches it: both models must turn the very rows that
are judged into the same numbers. They must also have as many centres: another one can only bring rows nearer, needed
or not (which is why the gap statistic compares with chance: Tibshirani, Walther & Hastie, J. R. Stat. Soc. B 63, 2001).
"""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
from scipy.sparse import sparray, spmatrix
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from ...spec.errors import ContractBroken, Refused
from ..estimators import Array, Estimator, Features
from ..subprocesses.remote import RemoteEstimator
from .features import could_not, table
from .steps import innermost, transformed
from .trained import Trained

_NO_UNIT = frozenset({"random_state", "copy", "memory", "n_jobs", "verbose"})  # settings that move no number
ANEW = "a clustering in another unit begins a lineage of its own, under another name in `model`"


def before_last(estimator: object, X: Features) -> Features:
    """*X*, shape (n, k), as the innermost estimator of the fitted *estimator* sees it."""
    while isinstance(estimator, Pipeline):
        for _, step in estimator.steps[:-1]:
            X = transformed(step, X)
        estimator = estimator.steps[-1][1]
    return X


def other_unit(champion: Trained, candidate: Trained, frame: pd.DataFrame) -> str | None:
    """Why the distances of the two on *frame* cannot be compared, in words; None where they can."""
    models = (champion, candidate)
    if any(isinstance(each.estimator, RemoteEstimator) for each in models):
        return "a version that carries code of its own cannot be looked into here"
    centres = [getattr(innermost(each.estimator), "cluster_centers_", None) for each in models]
    if centres[0] is None or centres[1] is None:
        return "both need centres, such as MiniBatchKMeans has"
    if len(centres[0]) != len(centres[1]):
        return (
            f"the champion has {len(centres[0])} centres, the candidate {len(centres[1])}; more centres lie nearer to "
            f"any row, so that this is no gain; {ANEW}"
        )
    try:
        before, after = (_dense(before_last(m.estimator, table(frame, m.state.features))) for m in models)
    except (ValueError, TypeError, IndexError) as error:
        raise Refused(could_not("preprocess", frame, error)) from error
    if before.shape != after.shape or not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
        return (
            "its preprocessing turns these rows into other numbers than the champion's, so that they are measured in "
            f"another unit; {ANEW}"
        )
    return None


def kept_unit(champion: Trained, fresh: Estimator) -> Estimator:
    """The champion's fitted preprocessing, a copy, with the unfitted innermost estimator of *fresh* behind it.

    Raises ContractBroken where *fresh* has other steps or another number of centres: its distances could not be judged.
    """
    was, now = _recipe(champion.estimator), _recipe(fresh)
    changed = [key for key in (*was, *now) if was.get(key) != now.get(key)]
    if changed:
        key = changed[0]
        raise ContractBroken(
            f"learner.build returns another preprocessing than the champion's: {key} was {was.get(key, 'not there')}, "
            f"is {now.get(key, 'not there')}. Their distances have no unit in common. Nothing was learned; {ANEW}"
        )
    last = innermost(fresh)
    count = len(innermost(champion.estimator).cluster_centers_)
    if last.n_clusters != count:
        raise ContractBroken(
            f"learner.build returns {type(last).__name__} with n_clusters={last.n_clusters}, the champion has {count} "
            f"centres: more of them lie nearer to any row, so that the two cannot be compared. Nothing was learned; "
            f"{ANEW}"
        )
    return _with_last(copy.deepcopy(champion.estimator), last)


def _with_last(estimator: object, last: Estimator) -> Estimator:
    if not isinstance(estimator, Pipeline):
        return last
    name, inner = estimator.steps[-1]
    estimator.steps[-1] = (name, _with_last(inner, last))
    outer: Estimator = estimator
    return outer


def _recipe(estimator: object, path: str = "") -> dict[str, str]:
    """What the preprocessing of *estimator*, fitted or not, is made of: each step's class and parameters, as text."""
    found: dict[str, str] = {}
    if isinstance(estimator, Pipeline):
        for name, step in estimator.steps[:-1]:
            found[path + name] = _text(step)
            if hasattr(step, "get_params"):
                found |= {f"{path}{name}__{key}": _text(value) for key, value in step.get_params(deep=True).items()}
        name, last = estimator.steps[-1]
        found |= _recipe(last, f"{path}{name}__")
    return {key: value for key, value in found.items() if key.split("__")[-1] not in _NO_UNIT}


def _text(value: object) -> str:
    """*value* by its content, the same in every process; of an estimator the class, as its parameters have keys."""
    if isinstance(value, BaseEstimator):
        return type(value).__name__
    if isinstance(value, list | tuple | np.ndarray | pd.Index):
        return f"[{', '.join(_text(each) for each in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_text(each)}' for key, each in value.items())}}}"
    if isinstance(value, np.generic):
        return repr(value.item())
    if hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    if repr(value) == object.__repr__(value):  # it would name its place in memory
        return f"{type(value).__qualname__}({_text(getattr(value, '__dict__', {}))})"
    return repr(value)


def _dense(X: Features) -> Array:
    return np.asarray(X.toarray() if isinstance(X, spmatrix | sparray) else X)
