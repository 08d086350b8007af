"""The holdout and the sample are chosen by hash, alike in Python and in every engine."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ratoon.data.holdout import fingerprint, in_holdout, sample_key
from ratoon.spec.values import Span

IDS = [f"row {i}" for i in range(3000)] + ["é ü", "名前", "O'Brien", "100%", "back\\slash", "A", "a", " a", "🙂"]


def stream(ids=IDS):
    times = pd.date_range("2024-01-01", periods=len(ids), freq="s", unit="us")
    return pd.DataFrame({"id": ids, "time": times, "x": np.arange(len(ids)) / 7, "target": 1.5})


def whole(source):
    return source.as_of(source.extent().end)


def test_the_engine_and_python_agree_on_who_is_held_out(any_store, opened):
    source = opened(holdout=0.3, **any_store.keep(stream()))

    frame = whole(source).window(source.extent()).frame

    assert set(frame["_id"]) == set(IDS)
    assert frame["_holdout"].tolist() == [in_holdout(each, 0.3) for each in frame["_id"]]


def test_integer_ids_hash_like_their_text(store, opened):
    source = opened(holdout=0.3, **store.keep(stream(range(2000))))

    frame = whole(source).window(source.extent()).frame

    assert set(frame["_id"]) == {str(i) for i in range(2000)}
    assert frame["_holdout"].tolist() == [in_holdout(each, 0.3) for each in frame["_id"]]


def test_the_sample_is_the_first_rows_by_hash(store, opened):
    source = opened(**store.keep(stream()))

    window = whole(source).window(source.extent(), sample=100)

    assert window.rows == len(IDS)
    assert set(window.frame["_id"]) == set(sorted(IDS, key=sample_key)[:100])


def test_the_tally_of_rows_is_the_fingerprint_of_what_is_learned(store, opened):
    source = opened(**store.keep(stream()))
    view = whole(source)

    tally = view.ledger_of_rows(view.now)

    learned = view.learned(view.now)["_id"]
    assert (tally.rows, tally.fingerprint) == (len(learned), fingerprint(learned))


def test_the_share_held_out_is_the_share_asked_for():
    held = np.mean([in_holdout(str(i), 0.15) for i in range(20_000)])

    assert abs(held - 0.15) < 0.01


def test_sample_and_holdout_are_independent():
    """A sample of few rows holds its share of holdout rows."""
    first = sorted((str(i) for i in range(20_000)), key=sample_key)[:4000]

    assert abs(np.mean([in_holdout(each, 0.15) for each in first]) - 0.15) < 0.02


def test_a_holdout_with_a_limit_is_chosen_by_hash(store, opened):
    source = opened(holdout=0.3, **store.keep(stream()))
    held = sorted((each for each in IDS if in_holdout(each, 0.3)), key=sample_key)

    frame = whole(source).holdout(None, limit=50)

    assert set(frame["_id"]) == set(held[:50])
    assert Span(start=frame["_time"].min(), end=frame["_time"].max()).length.total_seconds() > 1000
