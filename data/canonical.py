"""The canonical frame: the columns by which every room knows rows, labels and predictions, beside the features."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

CANONICAL = frozenset({"_id", "_time", "_label_time", "_target", "_prediction", "_holdout"})


def read_canonical(path: Path) -> pd.DataFrame:
    """Canonical rows from a Parquet file: it gives text back as `str`, where canonical rows hold object."""
    frame = pd.read_parquet(path)
    for name in frame.columns:
        if frame[name].dtype.kind not in "fiubM":
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame
