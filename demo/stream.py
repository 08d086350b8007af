"""The demo's data: orders that arrive late or not, made by a seed, so that what changed, and when, is known.

    python -m ratoon.demo.stream FILE     # writes the Parquet file

Three hundred days, some fifty orders a day. Until day 150 orders are late by distance, load and carrier. On that day
the carriers change hands and the depot moves: from then on they are late for other reasons. Before and after nothing
changes. A label is known one to three days after its order.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 7
DAYS, CHANGE, ORDERS = 300, 150, 15_000
START = pd.Timestamp("2025-01-01")


def orders() -> pd.DataFrame:
    """The rows, shape (15000, 9), in the order of time; always the same."""
    rng = np.random.default_rng(SEED)
    day = np.sort(rng.uniform(0, DAYS, ORDERS))
    distance, load, items = rng.normal(size=(3, ORDERS))
    hour = rng.integers(6, 22, ORDERS)
    carrier = rng.choice(["north", "south", "harbour"], ORDERS, p=[0.5, 0.3, 0.2])
    evening = (hour >= 17).astype(float)
    before = 1.2 * distance + 0.8 * load + 1.5 * (carrier == "harbour") - 0.7 * evening * distance
    after = -0.6 * distance + 0.9 * items + 1.8 * (carrier == "north") + 1.2 * evening - 1.2
    late = rng.uniform(size=ORDERS) < 1 / (1 + np.exp(-1.5 * np.where(day < CHANGE, before, after) + 0.4))
    time = START + pd.to_timedelta(day, unit="D")
    rows = pd.DataFrame({"order_id": np.arange(ORDERS), "ordered": time})
    rows["delivered"] = time + pd.to_timedelta(rng.uniform(1, 3, ORDERS), unit="D")
    rows = rows.assign(
        distance_km=np.round(20 * np.exp(0.6 * distance), 1),
        load=np.round(50 + 12 * load, 1),
        items=np.round(4 + 1.5 * items).clip(1),
        hour=hour,
        carrier=carrier,
        late=late.astype(np.int64),
    )
    return rows.astype({"ordered": "datetime64[us]", "delivered": "datetime64[us]"})


if __name__ == "__main__":
    orders().to_parquet(Path(sys.argv[1]), index=False)
