"""Ids that name the same rows and are written in two ways."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WHOLE = re.compile(r"([+-]?\d+)(\.0+)")
# What makes two ways of writing one, and what mends it
_WAYS = (
    (lambda text: text.strip(), "but for blanks", "write them without in the source"),
    (lambda text: text.strip().casefold(), "but for capitals", "write them alike in the source"),
    (
        lambda text: _WHOLE.sub(r"\1", text.strip().casefold()),
        "but for decimals",
        "in CSV set `csv: {{dtypes: {{{column}: DOUBLE}}}}` on that side, else write them as whole numbers",
    ),
    (lambda text: re.sub(r"[{}-]", "", text.strip().casefold()), "but for dashes", "write them alike in the source"),
    (
        lambda text: text.strip().lstrip("0").casefold(),
        "but for zeros in front",
        "in CSV set `csv: {{dtypes: {{{column}: VARCHAR}}}}` on that side, else write them alike in the source",
    ),
)


def unmet(rows: Sequence[str], labels: Sequence[str], column: str) -> str:
    """Why the ids of *labels*, named by *column*, meet none of *rows*, with one of each side and the key that mends it.

    "" where some are the same, or one side is empty.
    """
    if not rows or not labels or set(rows) & set(labels):
        return ""
    text = f"no label meets a row by the id {column!r}: "
    for alike, difference, mend in _WAYS:
        by_alike = {alike(each): each for each in rows}
        met = next(((by_alike[a], each) for each in labels if (a := alike(each)) in by_alike), None)
        if met is not None:
            return f"{text}{met[0]!r} and {met[1]!r} are the same {difference}; {mend.format(column=column)}"
    text += f"those of rows are such as {rows[0]!r}, those of labels such as {labels[0]!r}; expected the same ids on"
    return f"{text} both sides. Is `data.labels.id` the right column?"
