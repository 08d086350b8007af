"""Columns that come with a format and not from who made the data: features only where they are named."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...spec.model import Spec
from ..sources.place import partition_keys

_INDEX = re.compile(r"__index_level_\d+__$|Unnamed: \d+$")


def unmeant(spec: Spec, columns: Iterable[str]) -> frozenset[str]:
    """pandas' index, and the keys of folders such as `year=2026`, among *columns*."""
    columns = set(columns)
    roles = {*spec.data.id, spec.data.time, spec.data.target, spec.data.label_time, spec.data.prediction}
    found = {name for name in columns if _INDEX.match(name)} | (partition_keys(spec) & columns)
    return frozenset(found - roles - set(spec.data.features or ()) - set(spec.data.columns))
