"""The canonical frame's own columns: what a source's rows carry beside their features."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

ID = "_id"  # names a row, unique and stable
TIME = "_time"  # when the prediction was made, naive UTC
LABEL_TIME = "_label_time"  # when the label arrived, naive UTC; missing: not yet
TARGET = "_target"  # the label
PREDICTION = "_prediction"  # what was served, if the source says so; or what a version says
HOLDOUT = "_holdout"  # whether no version ever learns the row
SCORE = "_score"  # of a version's answer: probability, or distance to the nearest centre

CANONICAL = (ID, TIME, LABEL_TIME, TARGET, PREDICTION, HOLDOUT)


def read_canonical(path: Path) -> pd.DataFrame:
    """Canonical rows from a Parquet file: it gives text back as `str`, where canonical rows hold object."""
    frame = pd.read_parquet(path)
    for name in frame.columns:
        if frame[name].dtype.kind not in "fiubM":
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame
