"""`ratoon init`: a starter project that passes `check` as it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from ...spec.errors import BadInput
from ...spec.load import json_schema
from .default_rules import policy_text

ROWS = 8000


def write_starter(folder: Path, name: str) -> list[Path]:
    """Write spec, training code, schema and example data into *folder*.

    Raises BadInput, before anything is written, where one of the files is there already.
    """
    starter = files("ratoon.cli") / "starter"
    texts = {
        each: (starter / each).read_text(encoding="utf-8").replace("NAME", name).replace("POLICY", policy_text())
        for each in ("spec.yaml", "training.py")
    }
    texts["ratoon.schema.json"] = json.dumps(json_schema(), indent=1) + "\n"
    data = folder / "data" / "flights.parquet"
    taken = [path for path in [*(folder / each for each in texts), data] if path.exists()]
    if taken:
        raise BadInput(f"{taken[0]} is there already; nothing was written. Choose another folder, or move it away.")
    made = [*(folder / each for each in texts), data]
    with all_or_none(made):
        data.parent.mkdir(parents=True, exist_ok=True)
        for each, text in texts.items():
            (folder / each).write_text(text, encoding="utf-8")
        example_flights().to_parquet(data, index=False)
    return made


@contextmanager
def all_or_none(files: Sequence[Path]) -> Iterator[None]:
    """Remove the new *files* where one of them could not be written, so that the same command can be given again."""
    try:
        yield
    except BaseException:
        for file in files:
            with suppress(OSError):
                file.unlink()
        raise


def example_flights(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Made-up flights over 60 days: after day 40 the evening turns from punctual to late.

    Returns *rows* rows with row_id, event_time, label_time (3 to 9 hours later), distance (km), hour,
    wind (knots), carrier and the 0/1 target `late`.
    """
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2026-01-01")
    minutes = np.sort(rng.uniform(0, 60 * 24 * 60, rows)).round()
    time = start + pd.to_timedelta(minutes, unit="m")
    hour = time.hour.to_numpy()
    distance = rng.gamma(3, 400, rows)
    wind = rng.gamma(4, 3, rows)
    carrier = rng.choice(["AA", "DL", "UA"], rows, p=[0.5, 0.3, 0.2])
    evening = np.where(minutes > 40 * 24 * 60, 2.5, -2.5) * (hour >= 16)
    odds = -1.2 + 0.3 * (wind - 12) + 0.5 * (carrier == "UA") + evening
    late = rng.random(rows) < 1 / (1 + np.exp(-odds))
    delay = pd.to_timedelta(rng.uniform(180, 540, rows).round(), unit="m")
    return pd.DataFrame(
        {
            "row_id": [f"F{n:05d}" for n in range(rows)],
            "event_time": time,
            "label_time": time + delay,
            "distance": distance.round(),
            "hour": hour.astype("float64"),
            "wind": wind.round(1),
            "carrier": carrier,
            "late": late.astype("int64"),
        }
    )
