"""Labels that come late, from another table, twice, too early or to nobody."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from ratoon.data.holdout import in_holdout
from ratoon.spec.values import Span

# Ids that are learned, so that unlearned() returns them.
A, B, C, D, E = [each for each in map(str, range(50)) if not in_holdout(each, 0.15)][:5]


@pytest.fixture(params=["own column", "own table", "own table in PostgreSQL"])
def labelled(request, store_of, opened):
    """Open rows `(id, time)` with labels `(id, target, told)`, kept beside the rows or in a table of their own."""

    store = store_of("postgres" if "PostgreSQL" in request.param else "parquet")

    def build(rows, labels, **keys):
        rows = pd.DataFrame(rows, columns=["id", "time"]).astype({"id": object, "time": "datetime64[us]"}).assign(x=1.0)
        labels = pd.DataFrame(labels, columns=["id", "target", "told"]).astype({"id": object, "told": "datetime64[us]"})
        labels["target"] = labels["target"].astype("float64")
        if "own table" in request.param:
            place = store.keep(labels.rename(columns={"id": "row"}), "labels")
            return opened(label_time="told", labels={"id": "row", **place}, **store.keep(rows), **keys)
        known = labels[labels["id"].isin(rows["id"])]
        return opened(label_time="told", **store.keep(rows.merge(known, on="id", how="left")), **keys)

    return build


def test_a_label_is_unknown_until_it_arrives(labelled, day):
    source = labelled([(A, day(1)), (B, day(1))], [(A, 1.0, day(3)), (B, 2.0, day(5))])
    span = Span(start=day(1) - timedelta(1), end=day(9))

    seen = {n: source.as_of(day(n)).window(span) for n in (2, 3, 5)}

    assert [seen[n].labelled for n in (2, 3, 5)] == [0, 1, 2]
    assert [seen[n].rows for n in (2, 3, 5)] == [2, 2, 2]
    frame = seen[3].frame.set_index("_id")
    assert frame.loc[A, "_target"] == 1.0 and frame.loc[A, "_label_time"] == day(3)
    assert pd.isna(frame.loc[B, "_target"]) and pd.isna(frame.loc[B, "_label_time"])


def test_new_rows_are_read_in_the_order_their_labels_arrived(labelled, day):
    source = labelled(
        [(A, day(1)), (B, day(2)), (C, day(3)), (D, day(4))],
        [(A, 1.0, day(8)), (B, 2.0, day(5)), (C, 3.0, day(6)), (D, 4.0, day(9))],
    )
    view = source.as_of(day(8))

    assert view.unlearned(None)["_id"].tolist() == [B, C, A]
    assert view.unlearned(day(5))["_id"].tolist() == [C, A]
    assert view.unlearned_count(day(5)) == 2
    assert view.learned(day(6))["_id"].tolist() == [B, C]
    assert view.learned(day(8), since=day(6))["_id"].tolist() == [A]
    assert view.learned(day(20))["_id"].tolist() == [B, C, A]  # never past the view's own moment
    assert view.ledger_of_rows(day(6)).rows == 2


def test_a_label_revised_twice_counts_once(labelled, day, request):
    """In a table of their own the newest known counts; a row that is written again is a copy, and the first counts."""
    source = labelled([(A, day(1))], [(A, 1.0, day(3)), (A, 2.0, day(4)), (A, 3.0, day(5))])
    span = Span(start=day(1) - timedelta(1), end=day(9))
    own = "own table" in request.node.callspec.params["labelled"]

    for n, newest in ((3, 1.0), (4, 2.0), (9, 3.0)):
        view = source.as_of(day(n))
        label = newest if own else 1.0
        assert view.window(span).frame["_target"].tolist() == [label]
        assert view.unlearned(None)["_target"].tolist() == [label]
        assert view.window(span).revised == (own and n > 3)
    assert len(source.as_of(day(9)).unlearned(day(3))) == 0
    assert source.as_of(day(2)).window(span).labelled == 0


def test_a_label_before_its_row_is_a_fault_and_arrives_with_the_row(labelled, day):
    source = labelled([(A, day(5)), (B, day(5))], [(A, 1.0, day(2)), (B, 2.0, day(6))])
    span = Span(start=day(1), end=day(9))

    assert len(source.as_of(day(4)).unlearned(None)) == 0
    window = source.as_of(day(5)).window(span)
    assert (window.labelled, window.label_faults) == (1, 1)
    assert source.as_of(day(5)).unlearned(None)["_label_time"].tolist() == [day(5)]


def test_a_label_without_its_time_is_a_fault_and_never_arrives(labelled, day):
    source = labelled([(A, day(1)), (B, day(1))], [(A, 1.0, None), (B, 2.0, day(2))])

    window = source.as_of(day(9)).window(Span(start=day(1) - timedelta(1), end=day(9)))

    assert (window.rows, window.labelled, window.label_faults) == (2, 1, 1)


def test_a_label_time_without_a_label_is_no_label(labelled, day):
    source = labelled([(A, day(1))], [(A, None, day(2))])

    window = source.as_of(day(9)).window(Span(start=day(1) - timedelta(1), end=day(9)))

    assert (window.labelled, window.label_faults) == (0, 0)
    assert pd.isna(window.frame["_label_time"][0])


def test_the_delay_is_that_of_the_labels_that_arrived(labelled, day):
    source = labelled(
        [(A, day(1)), (B, day(1)), (C, day(1)), (D, day(1))],
        [(A, 1.0, day(2)), (B, 1.0, day(3)), (C, 1.0, day(4)), (D, 1.0, day(9))],
    )
    span = Span(start=day(1) - timedelta(1), end=day(1))

    assert source.as_of(day(5)).label_delay(span, 0.5) == timedelta(days=2)
    assert source.as_of(day(5)).label_delay(span, 1.0) == timedelta(days=3)
    assert source.as_of(day(1)).label_delay(span, 0.5) == timedelta(0)


def test_labels_for_unknown_ids_are_counted_where_they_arrive(store, opened, day):
    """An id whose row has not come yet is unknown too."""
    rows = pd.DataFrame({"id": [A, B], "time": pd.to_datetime([day(1), day(6)]).as_unit("us"), "x": 1.0})
    told = [day(2), day(3), day(4), day(9), day(3)]
    labels = pd.DataFrame(
        {"id": [A, B, "ghost", "ghost", None], "target": 1.0, "told": pd.to_datetime(told).as_unit("us")}
    )
    place = store.keep(labels, "labels")

    source = opened(label_time="told", labels=place, **store.keep(rows))
    span = Span(start=day(1), end=day(8))

    assert source.as_of(day(5)).window(span).orphan_labels == 3
    assert source.as_of(day(7)).window(span).orphan_labels == 2
    assert source.as_of(day(3)).window(Span(start=day(3), end=day(8))).orphan_labels == 0


def test_a_fixed_delay_holds_every_label_back(store, opened, day):
    frame = pd.DataFrame(
        {"id": [A, B], "time": pd.to_datetime([day(1), day(2)]).as_unit("us"), "x": 1.0, "target": [1.0, None]}
    )

    source = opened(label_delay="36h", **store.keep(frame))
    span = Span(start=day(1) - timedelta(1), end=day(9))

    assert source.as_of(day(2)).window(span).labelled == 0
    window = source.as_of(day(2, 12)).window(span)
    assert (window.labelled, window.label_faults) == (1, 0)
    assert window.frame["_label_time"][0] == day(2, 12)
    assert source.as_of(day(9)).window(span).labelled == 1


def test_a_label_that_names_only_its_day_is_known_at_that_day_s_end(store, opened, day):
    """From its beginning it would be looked ahead at, or lie behind a watermark of that very day."""
    frame = pd.DataFrame({"id": [A], "time": pd.to_datetime([day(1)]).as_unit("us"), "x": 1.0, "target": 1.0})
    source = opened(label_time="told", **store.keep(frame.assign(told=[day(2).date()])))

    assert source.as_of(day(3) - timedelta(minutes=1)).unlearned_count(None) == 0
    assert source.as_of(day(3)).unlearned(None)["_label_time"].tolist() == [day(3)]


def test_without_label_time_or_delay_a_label_comes_with_its_row(store, opened, day):
    frame = pd.DataFrame({"id": [A], "time": pd.to_datetime([day(1)]).as_unit("us"), "x": 1.0, "target": 1.0})

    learned = opened(**store.keep(frame)).as_of(day(1)).unlearned(None)

    assert learned["_label_time"].tolist() == [day(1)]


def test_the_served_prediction_is_kept_beside_the_features(store, opened, day):
    frame = pd.DataFrame(
        {
            "id": [A, B],
            "time": pd.to_datetime([day(1), day(2)]).as_unit("us"),
            "x": 1.0,
            "said": [0.25, None],
            "target": 1.0,
        }
    )

    source = opened(prediction="said", **store.keep(frame))
    window = source.as_of(day(2)).window(source.extent())

    assert source.features == ("x",)
    assert window.frame["_prediction"].tolist()[0] == 0.25 and pd.isna(window.frame["_prediction"][1])


def test_a_label_counts_only_once_its_row_is_of_age(labelled, day):
    source = labelled(
        [(A, day(1)), (B, day(1)), (C, day(2)), (D, day(1))],
        [(A, 1.0, day(1)), (B, 2.0, day(3)), (C, 3.0, day(20)), (D, None, None)],
        mature_after="10d",
    )
    span = Span(start=day(1) - timedelta(1), end=day(9))

    assert source.as_of(day(10)).window(span).labelled == 0
    assert source.as_of(day(11)).window(span).labelled == 2
    assert source.as_of(day(20)).window(span).labelled == 3
    learned = source.as_of(day(25)).learned(day(25))
    assert learned["_id"].tolist() == [*sorted([A, B]), C]
    assert learned["_label_time"].tolist() == [day(11), day(11), day(20)]
    assert source.as_of(day(11)).label_delay(span, 1.0) == timedelta(days=10)
    assert source.as_of(day(25)).window(span).label_faults == 0
