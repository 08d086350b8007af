"""The signals of many kinds of windows are what they were before the monitors were made faster."""

from __future__ import annotations

import json

import numpy as np
import pytest
from same_signals import FILE, looks

KNOWN: dict[str, list[list[object]]] = json.loads(FILE.read_text(encoding="utf-8"))


def test_signals_are_what_they_were():
    """Same signals in the same order, same statuses; numbers to the ninth digit."""
    seen = dict(looks())

    assert list(seen) == list(KNOWN)
    for name, rows in seen.items():
        assert [r[:3] for r in rows] == [r[:3] for r in KNOWN[name]], name
        now, was = ([np.nan if v is None else v for r in part for v in r[3:]] for part in (rows, KNOWN[name]))
        assert now == pytest.approx(was, rel=1e-9, abs=1e-12, nan_ok=True), name
