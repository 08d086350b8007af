"""Windows: bounded, counted truly, the same each time, and the first of several copies only."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ratoon.data.holdout import in_holdout
from ratoon.spec.values import Span


def rows(*entries, columns=("id", "time", "x", "target")):
    return pd.DataFrame(entries, columns=list(columns)).astype({"time": "datetime64[us]"})


def test_unsorted_input_comes_out_in_time_order(store, opened):
    order = np.random.default_rng(0).permutation(50)
    frame = rows(*[(f"r{i}", pd.Timestamp("2024-01-01") + pd.Timedelta(hours=int(i)), float(i), 1.0) for i in order])

    source = opened(**store.keep(frame))
    window = source.as_of(source.extent().end).window(source.extent())

    assert window.frame["x"].tolist() == list(range(50))


def test_rows_of_one_time_are_ordered_by_id_on_every_engine(store, opened, day):
    """Collations disagree about `B` and `a`; code points do not."""
    source = opened(**store.keep(rows(*[(each, day(1), 1.0, 1.0) for each in ("b", "B", "a", "é", "10", "9", "_")])))

    window = source.as_of(day(1)).window(source.extent())

    assert window.frame["_id"].tolist() == sorted(["b", "B", "a", "é", "10", "9", "_"])


def test_of_duplicated_ids_the_first_row_stays_and_the_rest_is_counted(store, opened, day):
    source = opened(
        **store.keep(
            rows(("a", day(3), 30.0, 3.0), ("a", day(2), 20.0, 2.0), ("b", day(2), 1.0, 1.0), ("a", day(4), 40.0, 4.0))
        )
    )

    window = source.as_of(day(9)).window(Span(start=day(1), end=day(9)))

    assert window.frame[["_id", "x", "_target"]].values.tolist() == [["a", 20.0, 2.0], ["b", 1.0, 1.0]]
    assert (window.rows, window.labelled, window.duplicates) == (2, 2, 2)


def test_an_id_seen_before_the_window_is_a_duplicate_in_it(store, opened, day):
    source = opened(**store.keep(rows(("a", day(1), 1.0, 1.0), ("a", day(3), 3.0, 3.0), ("b", day(3), 4.0, 4.0))))

    window = source.as_of(day(9)).window(Span(start=day(2), end=day(9)))

    assert window.frame["_id"].tolist() == ["b"]
    assert (window.rows, window.duplicates) == (1, 1)


def test_copies_of_the_same_time_are_settled_by_their_content_on_every_engine(store, opened, day):
    entries = [("a", day(1), x, name, 1.0) for x in (None, 2.0, 1.0) for name in ("Z", "y", None)]
    columns = ("id", "time", "x", "name", "target")

    source = opened(**store.keep(rows(*entries, columns=columns)))
    window = source.as_of(day(1)).window(source.extent())

    # md5("y") < md5("Z"), where their code points are the other way round
    assert window.frame[["x", "name"]].values.tolist() == [[1.0, "Z" if _md5("Z") < _md5("y") else "y"]]
    assert window.duplicates == 8


def _md5(text):
    import hashlib

    return hashlib.md5(text.encode()).hexdigest()


def test_rows_without_id_or_time_are_left_out_and_counted(store, opened, day):
    frame = rows(("a", day(2), 1.0, 1.0), (None, day(2), 2.0, 2.0), (None, day(8), 3.0, 3.0), ("d", None, 4.0, 4.0))

    source = opened(**store.keep(frame))
    window = source.as_of(day(5)).window(Span(start=day(1), end=day(9)))

    assert window.frame["_id"].tolist() == ["a"]
    assert window.rows == 1
    assert window.nameless == 2  # the one without id on day 2, and the one without time; day 8 has not come


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_rows_whose_labels_came_without_a_time_are_counted_by_their_labels(kind, store_of, opened, day):
    """In the stretch in which they came, so that a look sees what was lost since the last one."""
    times = [day(2), day(3), None, None, day(30), day(6)]
    labels = [day(4), day(4), day(4), day(7), day(4), day(7)]
    frame = pd.DataFrame(
        {"id": list("abcdef"), "time": times, "x": 1.0, "target": 1.0, "told": labels},
    )

    source = opened(label_time="told", **store_of(kind).keep(frame))
    view = source.as_of(day(9))

    assert view.window(Span(start=day(1), end=day(5))).timeless == 2
    assert view.window(Span(start=day(5), end=day(9))).timeless == 1
    assert view.window(Span(start=day(8), end=day(9))).timeless == 0


def test_an_empty_window_has_all_columns_and_their_types(store, opened, day):
    source = opened(**store.keep(rows(("a", day(2), 1.0, 1.0))))

    window = source.as_of(day(5)).window(Span(start=day(3), end=day(5)))
    full = source.as_of(day(5)).window(Span(start=day(1), end=day(5)))

    assert (window.rows, window.labelled, len(window.frame)) == (0, 0, 0)
    assert window.frame.dtypes.to_dict() == full.frame.dtypes.to_dict()
    assert window.schema == full.schema == source.columns()


def test_a_large_window_is_bounded_but_counted_in_full(store, opened, day):
    frame = rows(*[(str(i), day(1) + timedelta(seconds=i), float(i), 1.0) for i in range(3000)])

    source = opened(sample=200, **store.keep(frame))
    view = source.as_of(day(2))
    window = view.window(source.extent())

    assert (window.rows, window.labelled, len(window.frame)) == (3000, 3000, 200)
    assert window.frame["_time"].is_monotonic_increasing
    pd.testing.assert_frame_equal(window.frame, view.window(source.extent()).frame)
    assert set(view.window(source.extent(), sample=50).frame["_id"]) < set(window.frame["_id"])


def test_a_constant_id_reads_one_row_however_large_the_window(store, opened, day):
    frame = rows(*[("same", day(1) + timedelta(seconds=i % 10), float(i), 1.0) for i in range(3000)])

    window = opened(sample=100, **store.keep(frame)).as_of(day(2)).window(Span(start=day(1) - timedelta(1), end=day(2)))

    assert (window.rows, window.duplicates, len(window.frame)) == (1, 2999, 1)


def test_a_length_of_time_ends_where_it_is_asked_to(parquet, opened, day):
    view = opened(**parquet.keep(rows(("a", day(2), 1.0, 1.0)))).as_of(day(5))

    assert view.span_of(timedelta(days=2), day(4)) == Span(start=day(2), end=day(4))


def test_a_number_of_rows_spans_the_last_ones(store, opened, day):
    source = opened(
        **store.keep(rows(*[(str(i), day(i), float(i), 1.0) for i in range(1, 11)], ("10", day(11), 0.0, 1.0)))
    )
    view = source.as_of(day(20))

    span = view.span_of(3, day(12))

    assert span.end == day(12)
    assert view.window(span).frame["_id"].tolist() == ["8", "9", "10"]
    assert view.window(view.span_of(99, day(12))).rows == 10
    assert source.as_of(day(5)).window(view.span_of(2, day(5))).frame["_id"].tolist() == ["4", "5"]


def test_a_number_of_rows_takes_in_those_of_the_same_time(store, opened, day):
    view = opened(**store.keep(rows(*[(str(i), day(1 + i // 3), 1.0, 1.0) for i in range(9)]))).as_of(day(9))

    assert view.window(view.span_of(4, day(9))).rows == 6


def test_the_extent_spans_all_rows_with_the_first_one_inside(store, opened, day):
    source = opened(**store.keep(rows(("a", day(1), 1.0, 1.0), ("b", day(7), 1.0, 1.0), (None, day(9), 1.0, 1.0))))

    extent = source.extent()

    assert extent == Span(start=day(1) - timedelta(microseconds=1), end=day(7))
    assert source.as_of(day(9)).window(extent).rows == 2


def test_integer_and_boolean_classes_stay_integers_while_all_have_labels(store, opened, day):
    frame = rows(("a", day(1), 1.0, True), ("b", day(2), 1.0, False), columns=("id", "time", "x", "target"))
    frame["told"] = pd.to_datetime([day(1), day(3)]).as_unit("us")

    source = opened(task="binary", label_time="told", **store.keep(frame))
    before, after = (source.as_of(day(n)).window(source.extent()).frame["_target"] for n in (2, 3))

    assert after.dtype == "int64" and after.tolist() == [1, 0]
    assert before.dtype == "float64" and before.isna().tolist() == [False, True]


def test_holdout_and_learned_rows_share_nothing_and_miss_nothing(store, opened, day):
    frame = rows(*[(str(i), day(1) + timedelta(minutes=i), 1.0, 1.0) for i in range(400)])
    view = opened(holdout=0.3, **store.keep(frame)).as_of(day(9))

    held, learned = set(view.holdout(None)["_id"]), set(view.learned(view.now)["_id"])

    assert held == {str(i) for i in range(400) if in_holdout(str(i), 0.3)}
    assert learned == {str(i) for i in range(400)} - held
