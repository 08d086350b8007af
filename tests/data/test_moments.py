"""Times of every type and zone become naive UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from ratoon.spec.errors import DataError
from ratoon.spec.values import Span


def stream(times, **columns):
    rows = len(times)
    return pd.DataFrame({"id": range(rows), "time": times, "x": 1.0, "target": 1.0, **columns})


def seen_times(source):
    return source.as_of(source.extent().end).window(source.extent()).frame["_time"].tolist()


def test_aware_times_are_converted_and_naive_ones_are_utc(any_store, opened):
    local = pd.to_datetime(["2024-03-31T01:30+01:00", "2024-03-31T03:30+02:00"], utc=True).tz_convert("Europe/Berlin")
    naive = pd.to_datetime(["2024-03-31T00:30", "2024-03-31T01:30"])

    aware = opened(**any_store.keep(stream(local.as_unit("us")), "aware"))
    plain = opened(**any_store.keep(stream(naive.as_unit("us")), "naive"))

    assert seen_times(aware) == seen_times(plain) == naive.tolist()


def test_iso_text_is_read_with_its_offset(any_store, opened):
    source = opened(
        **any_store.keep(
            stream(
                [
                    "2024-01-01",
                    "2024-01-01T00:00:00.000001Z",
                    "2024-01-01 02:00+02",
                    " 2023-12-31T20:00:01-0400",
                    "",
                    None,
                ]
            )
        )
    )

    window = source.as_of(datetime(2024, 2, 1)).window(source.extent())

    start = pd.Timestamp("2024-01-01")
    assert window.frame["_time"].tolist() == [
        start, start, start + timedelta(microseconds=1), start + timedelta(seconds=1)
    ]  # fmt: skip
    assert window.nameless == 2


@pytest.mark.parametrize("bad", ["2024-13-01", "yesterday", "now", "infinity", "01/02/2024", "1704067200"])
def test_text_that_is_no_time_is_named(bad, store, opened):
    place = store.keep(stream(["2024-01-01", bad]))

    with pytest.raises(DataError, match=bad):
        source = opened(**place)
        source.extent()


@pytest.mark.parametrize("shape", ["integers", "integers with a null", "text"])
def test_numbers_count_steps_from_1970(shape, any_store, opened):
    steps = {"integers": [0, 1, 10_000], "integers with a null": [0, 1, None, 10_000], "text": ["0", "1", "10000"]}

    source = opened(time_unit="1d", **any_store.keep(stream(steps[shape])))
    window = source.as_of(datetime(2100, 1, 1)).window(source.extent())

    assert window.frame["_time"].tolist() == [datetime(1970, 1, 1), datetime(1970, 1, 2), datetime(1997, 5, 19)]
    assert window.nameless == (1 if "null" in shape else 0)


def test_steps_below_a_second_are_exact(any_store, opened):
    """Epoch microseconds keep their last digit."""
    moments = [datetime(2024, 5, 1, 12, 0, 59, 999999), datetime(2024, 5, 1, 12, 1, 0, 1)]
    micros = [(each - datetime(1970, 1, 1)) // timedelta(microseconds=1) for each in moments]

    source = opened(time_unit=timedelta(microseconds=1), **any_store.keep(stream(micros)))

    assert seen_times(source) == moments


def test_a_step_column_may_also_be_the_id(any_store, opened):
    frame = stream(range(5)).drop(columns="id")

    source = opened(id="time", time_unit="1h", **any_store.keep(frame))

    assert source.as_of(datetime(1970, 1, 1, 2)).window(source.extent()).frame["_id"].tolist() == ["0", "1", "2"]


def test_a_time_may_be_the_id_too(parquet, opened):
    frame = stream(pd.date_range("2024-01-01", periods=2, freq="500ms", unit="us")).drop(columns="id")

    source = opened(id="time", **parquet.keep(frame))

    assert source.as_of(datetime(2025, 1, 1)).window(source.extent()).frame["_id"].tolist() == [
        "2024-01-01 00:00:00", "2024-01-01 00:00:00.5"
    ]  # fmt: skip


def test_spans_are_open_at_start_and_closed_at_end_to_the_microsecond(any_store, opened):
    tick = timedelta(microseconds=1)
    end = datetime(2024, 1, 1, 12, 0, 59, 999999)
    source = opened(**any_store.keep(stream([end - tick, end, end + tick])))

    assert source.as_of(end).window(Span(start=end - tick, end=end)).frame["_id"].tolist() == ["1"]
    assert source.as_of(end + tick).window(Span(start=end, end=end + tick)).frame["_id"].tolist() == ["2"]


def test_an_aware_now_is_the_same_moment(parquet, opened):
    source = opened(**parquet.keep(stream(pd.to_datetime(["2024-01-01T00:00", "2024-01-01T01:00"]).as_unit("us"))))
    now = datetime(2024, 1, 1, 2, 30, tzinfo=timezone(timedelta(hours=2)))

    view = source.as_of(now)

    assert view.now == datetime(2024, 1, 1, 0, 30)
    assert view.now == source.as_of(now.astimezone(UTC)).now
    assert view.window(source.extent()).rows == 1


def test_dates_are_midnights(tmp_path, opened):
    """A column of dates, and nanoseconds, from Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    days = pd.to_datetime(["2024-01-01", "2024-01-02"])
    told = pa.array([datetime(2024, 1, 1, 0, 0, 0, 5), None], pa.timestamp("ns", tz="Asia/Tokyo"))
    table = pa.table({"id": [1, 2], "time": pa.array(days.date), "told": told, "target": [1.0, 2.0]})
    pq.write_table(table, tmp_path / "rows.parquet")

    frame = (source := opened(source="rows.parquet", label_time="told")).as_of(days[1]).window(source.extent()).frame

    assert frame["_time"].tolist() == days.tolist()
    assert frame["_label_time"].tolist()[0] == datetime(2024, 1, 1, 0, 0, 0, 5)
