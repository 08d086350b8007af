"""The look-ahead probe: nothing that happens after `now` changes anything that is seen at `now`."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ratoon.data.view import View
from ratoon.spec.values import Span

NOW = datetime(2024, 1, 20)
SPAN = Span(start=datetime(2024, 1, 5), end=datetime(2024, 2, 25))  # reaches past now on purpose
ROWS = 400


def past(seed=0):
    """Rows of January with labels up to ten days late, and a served prediction."""
    rng = np.random.default_rng(seed)
    time = datetime(2024, 1, 1) + pd.to_timedelta(rng.uniform(0, 25, ROWS).round(3), unit="D")
    told = time + pd.to_timedelta(rng.uniform(0, 10, ROWS).round(3), unit="D")
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(ROWS)], "time": time, "told": told})
    frame = frame.astype({"time": "datetime64[us]", "told": "datetime64[us]"})
    frame["x"] = rng.normal(size=ROWS)
    frame["colour"] = rng.choice(["red", "blue"], ROWS)
    frame["said"] = rng.uniform(size=ROWS)
    frame["target"] = rng.normal(size=ROWS)
    return frame


def future(frame):
    """The same stream after the future: other labels after now, revisions, new rows, copies and orphans."""
    after = frame.copy()
    late = after["told"] > NOW
    after.loc[late, "target"] = -99.0
    after.loc[late, "told"] += timedelta(days=3)
    after.loc[after["time"] > NOW, ["x", "colour"]] = [np.inf, "new colour"]
    grown = frame.sample(200, random_state=1, ignore_index=True)
    grown["id"] = [f"new{i}" for i in range(100)] + grown["id"][100:].tolist()  # a hundred ids come again
    grown["time"] = pd.Timestamp(NOW) + pd.to_timedelta(np.arange(1, 201), unit="m")
    grown["told"] = grown["time"] + timedelta(hours=1)
    grown["said"] = 7.0
    # Logs that are only ever appended to write the row again when its label comes, or is revised.
    revised = frame[frame["time"] <= NOW].sample(50, random_state=2)
    revised = revised.assign(target=-7.0, told=revised["told"].clip(lower=pd.Timestamp(NOW)) + timedelta(days=20))
    return pd.concat([grown, after, revised], ignore_index=True).sample(frac=1, random_state=3)


def everything(view: View):
    """Whatever a View says, in a form that compares."""
    window = view.window(SPAN)
    counts = {k: v for k, v in vars(window).items() if k != "frame"}
    frames = [
        window.frame,
        view.window(view.span_of(50, SPAN.end), sample=37).frame,
        view.unlearned(None),
        view.unlearned(datetime(2024, 1, 15)),
        view.holdout(None),
        view.holdout(datetime(2024, 1, 8), SPAN.end, limit=5),
        view.learned(SPAN.end),
        view.learned(SPAN.end, since=datetime(2024, 1, 10)),
    ]
    facts = [
        counts,
        view.span_of(50, SPAN.end),
        view.span_of(timedelta(days=3), SPAN.end),
        view.unlearned_count(datetime(2024, 1, 15)),
        view.ledger_of_rows(SPAN.end),
        view.label_delay(SPAN, 0.9),
    ]
    return frames, facts


def assert_unmoved(before, after):
    for first, second in zip(before[0], after[0], strict=True):
        assert len(first) > 0
        pd.testing.assert_frame_equal(first, second)
    assert before[1] == after[1]


@pytest.mark.parametrize(
    ("order", "kind"),
    [("the future is cut off", "parquet"), ("the future is changed", "parquet"), ("the future is cut off", "postgres")],
)
def test_the_future_changes_nothing(order, kind, store_of, opened):
    """Labels in the rows' own table."""
    store = store_of(kind)
    stream = past()
    keys = {"label_time": "told", "prediction": "said"}
    now_only = stream[stream["time"] <= NOW].copy()
    now_only.loc[now_only["told"] > NOW, ["told", "target"]] = None

    before = everything(opened(**keys, **store.keep(now_only if "cut" in order else stream, "before")).as_of(NOW))
    after = everything(opened(**keys, **store.keep(future(stream), "after")).as_of(NOW))

    assert_unmoved(before, after)
    assert not np.isin(before[0][0]["_target"], [-99.0, -7.0]).any()


def test_future_labels_in_a_table_of_their_own_change_nothing(store, opened):
    stream, changed = past(), future(past())
    keys = {"label_time": "told", "prediction": "said"}
    features, told = ["id", "time", "x", "colour", "said"], ["id", "target", "told"]
    known = stream.loc[(stream["told"] <= NOW), told]
    orphan = pd.DataFrame({"id": ["ghost"], "target": 1.0, "told": [pd.Timestamp(NOW) + timedelta(days=1)]})

    rows = store.keep(stream.loc[stream["time"] <= NOW, features], "rows")
    before = everything(opened(**keys, labels=store.keep(known, "known"), **rows).as_of(NOW))
    rows = store.keep(changed.loc[~changed["target"].isin([-7.0]), features], "grown")
    later = store.keep(pd.concat([changed[told], orphan]).astype({"told": "datetime64[us]"}), "later")
    after = everything(opened(**keys, labels=later, **rows).as_of(NOW))

    assert_unmoved(before, after)


def test_a_row_that_comes_again_with_its_label_is_one_row(store, opened):
    """An append-only log holds the row twice: without its label, and with it."""
    log = pd.DataFrame(
        {
            "id": ["a", "a"],
            "time": pd.to_datetime(["2024-01-01"] * 2).as_unit("us"),
            "told": pd.to_datetime([None, "2024-01-03"]).as_unit("us"),
            "x": [1.0, 1.0],
            "target": [None, 5.0],
        }
    )
    source = opened(label_time="told", **store.keep(log))
    span = source.extent()

    before, after = (source.as_of(datetime(2024, 1, day)).window(span) for day in (2, 3))

    assert (before.rows, before.labelled, before.duplicates) == (1, 0, 0)
    assert (after.rows, after.labelled, after.duplicates) == (1, 1, 1)
