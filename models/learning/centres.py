"""What an update does to the centres of a MiniBatchKMeans, and how centres from scratch are numbered.

`partial_fit` moves each centre to the mean of all rows that it was ever given: its learning rate is one by the centre's
count (Sculley, "Web-scale k-means clustering", WWW 2010). Left alone, these counts forget nothing, count a row once for
each pass, and begin with every mini-batch of the first fit. Here a count is a number of rows:

- after a fit the counts add up to the rows that it learned;
- an update makes `learner.epochs` passes whose rows count once together;
- the rows before it weigh at most as much as its own, all centres together, so that they follow a world that moved:
  the decay of streaming k-means (Apache Spark, `StreamingKMeansModel`), by as much as the update is smaller than what
  came before it. averaging.py lets averaged SGD forget by the same measure.

An update reassigns no centre, although `partial_fit` moves those with few rows to rows drawn at random: the number of
a cluster would mean something else from one version to the next. A centre without new rows stays where it is. Only a
fit from scratch places centres anew; it then numbers them so that they lie nearest to the champion's.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.cluster import MiniBatchKMeans

from ..estimators import Array, Features, rows_at


def count_rows(last: MiniBatchKMeans, rows: int) -> None:
    """Let the counts of the fitted *last* add up to *rows*, in place."""
    total = float(last._counts.sum())
    if total > 0:
        last._counts *= rows / total


def follow(last: MiniBatchKMeans, X: Features, *, passes: int, batch: int, rng: np.random.Generator) -> list[str]:
    """Continue the fitted *last* in place on *X*, shape (n, k), in calls of at most *batch* rows; what became of it."""
    rows = X.shape[0]
    learned, before = float(last._counts.sum()), last.cluster_centers_.copy()
    keep = min(1.0, rows / learned) if learned > 0 else 1.0
    own = last.reassignment_ratio
    last.reassignment_ratio = 0.0
    last._counts *= keep * passes
    try:
        for _ in range(passes):
            order = rng.permutation(rows)
            for start in range(0, rows, batch):
                part = order[start : start + batch]
                last.partial_fit(rows_at(X, part))
    finally:
        last.reassignment_ratio = own
    last._counts /= passes
    moved = np.linalg.norm(last.cluster_centers_ - before, axis=1)
    notes = [f"the centres moved by {moved.min():.3g} to {moved.max():.3g}, and keep their numbers"]
    if keep < 1:
        notes.append(f"the {learned:.0f} rows behind the centres weigh as much as the {rows} new ones")
    empty = np.setdiff1d(np.arange(len(before)), last.predict(X))
    if len(empty):
        listed = ", ".join(map(str, empty[:10]))
        notes.append(f"no new row lies nearest to {_clusters(len(empty))} {listed}: left where they were")
    return notes


def renumber(last: MiniBatchKMeans, centres: Array) -> str:
    """Give each cluster of the fitted *last* the number of the one of *centres*, shape (c, k), that it lies nearest to.

    In place; one number each, such that the squares of all distances add up to the least. Returns what to note.
    """
    apart = cdist(centres, last.cluster_centers_)
    _, chosen = linear_sum_assignment(apart**2)
    last.cluster_centers_ = np.ascontiguousarray(last.cluster_centers_[chosen])
    last._counts = last._counts[chosen]
    if hasattr(last, "labels_"):
        last.labels_ = np.argsort(chosen)[last.labels_].astype(last.labels_.dtype)
    found = apart[np.arange(len(centres)), chosen]
    return (
        "the centres were placed anew, so that a cluster's number need not mean what it meant: each has the number of "
        f"the champion's centre that it lies nearest to, {found.min():.3g} to {found.max():.3g} away"
    )


def _clusters(count: int) -> str:
    return "cluster" if count == 1 else "clusters"
