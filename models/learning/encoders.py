"""Encoders that meet categories which they were not fitted on.

They stay frozen on purpose. One more column of a one-hot would not fit the weights behind it, and a code handed out
again would mean another category than the one that was learned. So a new category is encoded the way that the encoder
was told to (`handle_unknown`), and the record says which they were; an encoder that was told to refuse them breaks the
contract by name.
"""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
import pandas as pd
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from ...spec.errors import ContractBroken
from ..estimators import Array, Encoder, Features

_NAMED = 5  # most categories of a column that a note names


def encodes(transformer: object) -> TypeGuard[Encoder]:
    """Whether *transformer* is an encoder with a fixed vocabulary."""
    return isinstance(transformer, OneHotEncoder | OrdinalEncoder | TargetEncoder)


def columns(encoder: Encoder) -> list[str]:
    """The names of the columns that *encoder* was fitted on; their places where it saw no names."""
    named = getattr(encoder, "feature_names_in_", None)
    return [str(each) for each in (named if named is not None else range(len(encoder.categories_)))]


def text(category: object) -> str | None:
    """A category as the record writes it; None for what is missing."""
    return None if category is None or category != category else str(category)


def meet(encoder: Encoder, X: Features, name: str) -> list[str]:
    """What of *X*, shape (n, k), the step *name* does not know, in sentences; ContractBroken where it may not be new.

    >>> import pandas as pd
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> known = OneHotEncoder(handle_unknown="ignore").fit(pd.DataFrame({"city": ["Rome", "Oslo"]}))
    >>> meet(known, pd.DataFrame({"city": ["Rome", "Bath", "Bath"]}), "kinds")
    ["kinds took as unknown in column 'city': 'Bath' (2 rows)"]
    """
    notes = []
    for place, (column, categories) in enumerate(zip(columns(encoder), encoder.categories_, strict=True)):
        values = pd.Series(_column(X, place)).map(text)
        new = values[values.notna() & ~values.isin({text(each) for each in categories})].value_counts(sort=False)
        if new.empty:
            continue
        new = new.sort_index()
        if getattr(encoder, "handle_unknown", "ignore") == "error":
            raise ContractBroken(
                f"category {new.index[0]!r} of column {column!r} is new to step {name!r} ({int(new.iloc[0])} rows), "
                f"and its handle_unknown is 'error' (known: {_listed(categories)}). Nothing was learned and "
                "the champion was left as it was; only the `scratch` strategy can learn it, or build the encoder with "
                f"handle_unknown {_softer(encoder)!r}"
            )
        found = [f"{value!r} ({count} row{'s' if count > 1 else ''})" for value, count in new.head(_NAMED).items()]
        more = f" and {len(new) - _NAMED} more" if len(new) > _NAMED else ""
        notes.append(f"{name} took as unknown in column {column!r}: {', '.join(found)}{more}")
    return notes


def _softer(encoder: Encoder) -> str:
    return "use_encoded_value" if isinstance(encoder, OrdinalEncoder) else "ignore"


def _column(X: Features, place: int) -> Array:
    return X.iloc[:, place].to_numpy() if hasattr(X, "iloc") else np.asarray(X)[:, place]


def _listed(categories: Array) -> str:
    known = [str(each) for each in categories[:_NAMED]]
    return ", ".join(known) + (f" and {len(categories) - _NAMED} more" if len(categories) > _NAMED else "")
