"""Labels that were learned and are others now: corrected in the source, in place.

No update learns a row twice, so that a lineage keeps what it was told first. The replay reservoir is a uniform sample
of what it learned, labels included, and is held against the source at each run.
"""

from __future__ import annotations

import pandas as pd

from ...data.columns import ID, TARGET
from ...data.view import View
from ...models.ladder.run import Revised
from ...models.learning.trained import Trained

LOOKED_AT = 500  # labels: of 1 % that changed at least one is seen with 99 %


def revised(view: View, trained: Trained) -> Revised | None:
    """How many labels of a sample of the learned rows have changed; None where none has, or no rows are kept."""
    reservoir = trained.reservoir
    if reservoir is None or reservoir.empty or trained.state.task == "clustering":
        return None
    kept = reservoir.drop_duplicates(ID)
    learned = (kept if len(kept) <= LOOKED_AT else kept.sample(LOOKED_AT, random_state=0)).set_index(ID)[TARGET]
    now = view.labels_of(list(learned.index))
    both = learned.index.intersection(now.index)
    changed = int((~_same(learned[both], now[both])).sum())
    return Revised(changed, len(both), trained.state.learned_rows) if changed else None


def _same(one: pd.Series, other: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other):
        same: pd.Series = one.astype(float) == other.astype(float)
        return same
    return one.astype(str) == other.astype(str)
