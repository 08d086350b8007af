"""Random streams, broken in every way, read by the engine and by a slow reader in plain Python."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ratoon.data.holdout import in_holdout, sample_key
from ratoon.spec.values import Span

START = datetime(2024, 1, 1)


def moment(hour):
    return START + timedelta(hours=int(hour))


def random_log(rng, rows):
    """Few ids and few times, so that copies and ties abound; some values missing."""
    maybe = lambda value, share: None if rng.random() < share else value  # noqa: E731
    return [
        {
            "id": maybe(f"r{rng.integers(rows * 2 // 3)}", 0.05),
            "time": maybe(moment(rng.integers(12)), 0.05),
            "told": maybe(moment(rng.integers(16)), 0.2),
            "target": maybe(float(rng.integers(3)), 0.15),
            "x": maybe(float(rng.integers(3)), 0.2),
        }
        for _ in range(rows)
    ]


def first_rows(log, now, end):
    """By the rules as written down: what is visible at *now*, one row per id; and the copies left out."""
    groups = {}
    for row in log:
        if row["id"] is None or row["time"] is None or row["time"] > now:
            continue
        told = row["told"] if row["target"] is not None else None
        due = max(told, row["time"]) if told is not None else None
        arrived = due if due is not None and due <= now else None
        fault = row["target"] is not None and (told is None or told < row["time"])
        target = row["target"] if arrived is not None else None
        order = (
            row["time"],
            (arrived is None, arrived or START),
            (told is not None, told or START),
            not fault,
            (target is None, target or 0.0),
            (row["x"] is None, row["x"] or 0.0),
        )
        seen = told is None or told <= now
        groups.setdefault(row["id"], []).append((order, row["id"], row["time"], arrived, target, row["x"], fault, seen))
    kept, copies = [], []
    for each in groups.values():
        each.sort(key=lambda entry: entry[0])
        kept.append(each[0][1:])
        copies += [entry[1:] for entry in each[1:] if entry[-1]]
    return kept, copies


def told_rows(frame):
    """A frame as tuples (id, time, label time, target, x), None where missing."""
    columns = frame[["_id", "_time", "_label_time", "_target", "x"]].astype(object)
    return [tuple(None if pd.isna(v) else v for v in row) for row in columns.itertuples(index=False)]


@pytest.mark.parametrize("seed", range(3))
def test_the_engine_reads_what_the_rules_say(seed, store, opened):
    rng = np.random.default_rng(seed)
    log = random_log(rng, 60)
    frame = pd.DataFrame(log).astype({"id": object, "time": "datetime64[us]", "told": "datetime64[us]"})
    source = opened(label_time="told", holdout=0.3, **store.keep(frame))
    now, start, end, after = (moment(h) for h in (rng.integers(6, 14), 2, 9, rng.integers(2, 8)))
    view = source.as_of(now)
    kept, copies = first_rows(log, now, end)
    inside = [r for r in kept if start < r[1] <= end]

    window = view.window(Span(start=start, end=end))
    assert told_rows(window.frame) == sorted([r[:5] for r in inside], key=lambda r: (r[1], r[0]))
    assert window.rows == len(inside)
    assert window.labelled == sum(r[2] is not None for r in inside)
    assert window.label_faults == sum(r[5] for r in inside)
    assert window.duplicates == sum(start < r[1] <= end for r in copies)
    sampled = view.window(Span(start=start, end=end), sample=7).frame["_id"]
    assert set(sampled) == set(sorted((r[0] for r in inside), key=sample_key)[:7])

    by_label = lambda rows: sorted([r[:5] for r in rows], key=lambda r: (r[2], r[0]))  # noqa: E731
    labelled = [r for r in kept if r[2] is not None]
    new = [r for r in labelled if r[2] > after and not in_holdout(r[0], 0.3)]
    held = [r for r in labelled if r[2] > after and in_holdout(r[0], 0.3)]
    assert told_rows(view.unlearned(after)) == by_label(new)
    assert view.unlearned_count(after) == len(new)
    assert told_rows(view.holdout(after)) == by_label(held)
    assert view.ledger_of_rows(after).rows == sum(r[2] <= after and not in_holdout(r[0], 0.3) for r in labelled)

    last = sorted((r[1] for r in kept if r[1] <= end), reverse=True)[:5]
    assert view.span_of(5, end).start == last[-1] - timedelta(microseconds=1)


def test_walking_along_the_watermark_learns_every_row_once(parquet, opened):
    """Whatever the copies and the step: what is unlearned at each moment adds up to what is learned at the end."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(random_log(rng, 300)).astype(
        {"id": object, "time": "datetime64[us]", "told": "datetime64[us]"}
    )
    source = opened(label_time="told", **parquet.keep(frame))
    learned, watermark = [], None

    for hour in range(1, 18, 2):
        new = source.as_of(moment(hour)).unlearned(watermark)
        learned += new["_id"].tolist()
        watermark = new["_label_time"].max().to_pydatetime() if len(new) else watermark
        tally = source.as_of(moment(hour)).ledger_of_rows(watermark or START)
        assert tally.rows == len(learned)

    final = source.as_of(moment(17)).learned(moment(17))
    assert len(learned) == len(set(learned)) > 50
    assert sorted(learned) == sorted(final["_id"])
