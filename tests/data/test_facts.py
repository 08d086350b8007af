"""What is known of files that stand still: told once, right after every change, and never trusted if torn."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratoon.data.source import Source, open_source
from ratoon.data.sources.facts import Facts
from ratoon.spec.model import Spec
from ratoon.spec.values import Span

START = datetime(2026, 1, 1)
NOW = START + timedelta(days=9)


def rows(first: int, days: int, start: datetime, *, copies: bool = False) -> pd.DataFrame:
    """An hourly stream; with *copies* its first ids come again later, and once at the same time with a late label."""
    number = days * 24
    times = pd.Series(pd.date_range(start + timedelta(hours=1), periods=number, freq="h"))
    ids = [f"r{first + i}" for i in range(number)]
    frame = pd.DataFrame(
        {"id": ids, "time": times, "told": times + timedelta(hours=3), "x": np.arange(number, dtype=float)}
    )
    frame["target"] = frame["x"] * 2
    if copies:
        again = frame.head(5).assign(time=frame["time"].iloc[-1], told=frame["told"].iloc[-1], x=-1.0)
        twin = frame.iloc[[7]].assign(told=frame["told"].iloc[-1], x=-2.0)
        frame = pd.concat([frame, again, twin], ignore_index=True)
    return frame


@pytest.fixture
def spec(spec_of, tmp_path) -> Spec:
    (tmp_path / ".ratoon").mkdir(exist_ok=True)
    found: Spec = spec_of(source="*.parquet", label_time="told")
    found.folder.joinpath(found.stores.home).mkdir(exist_ok=True)
    return found


def put(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write a file that looks as if it had stood still for a minute."""
    frame.to_parquet(folder / name)
    os.utime(folder / name, ((folder / name).stat().st_mtime - 60,) * 2)


def kept(spec: Spec) -> list[Path]:
    return sorted((spec.folder / spec.stores.home / "facts").glob("*.json"))


def seen(source: Source) -> dict[str, object]:
    view = source.as_of(NOW)
    window = view.window(Span(start=START + timedelta(days=2), end=START + timedelta(days=6)))
    return {
        "counts": (window.rows, window.labelled, window.duplicates, window.nameless, window.label_faults),
        "rows": window.frame["_id"].tolist(),
        "x": window.frame["x"].tolist(),
        "delay": view.label_delay(window.span, 0.9),
        "last": view.span_of(30, NOW),
        "unlearned": view.unlearned(START + timedelta(days=3))[["_id", "x"]].to_numpy().tolist(),
        "learned": view.learned(NOW)[["_id", "x"]].to_numpy().tolist(),
        "holdout": view.holdout(None)["_id"].tolist(),
        "tally": view.ledger_of_rows(NOW),
    }


def looked(spec: Spec) -> dict[str, object]:
    with open_source(spec) as source:
        return seen(source)


def forget(spec: Spec) -> None:
    for each in kept(spec):
        each.unlink()


@pytest.mark.parametrize("copies", [False, True])
def test_a_look_with_kept_facts_sees_what_one_without_sees(spec, tmp_path, copies):
    put(tmp_path, "a.parquet", rows(0, 6, START, copies=copies))

    first = looked(spec)
    assert len(kept(spec)) == 1

    assert looked(spec) == first


@pytest.mark.parametrize("copies", [False, True])
def test_a_file_that_is_added_is_seen_as_if_it_had_always_been_there(spec, tmp_path, copies):
    put(tmp_path, "a.parquet", rows(0, 4, START, copies=copies))
    looked(spec)
    late = rows(96, 3, START + timedelta(days=4), copies=copies)
    late = pd.concat([late, rows(10, 1, START + timedelta(days=5)).head(4)], ignore_index=True)  # ids of the old file
    put(tmp_path, "b.parquet", late)

    grown = looked(spec)
    forget(spec)

    assert grown == looked(spec)
    assert grown["counts"][2] > 0


def test_a_file_that_changed_is_read_anew(spec, tmp_path):
    put(tmp_path, "a.parquet", rows(0, 6, START))
    before = looked(spec)
    put(tmp_path, "a.parquet", rows(0, 6, START, copies=True))

    after = looked(spec)
    forget(spec)

    assert after == looked(spec)
    assert after != before


@pytest.mark.parametrize("broken", ["", "{", '{"version": 1}', "[]", "null"])
def test_facts_that_are_torn_are_made_anew(spec, tmp_path, broken):
    put(tmp_path, "a.parquet", rows(0, 6, START, copies=True))
    first = looked(spec)
    (file,) = kept(spec)
    whole = file.read_text()
    file.write_text(broken or whole[: len(whole) // 2])

    assert looked(spec) == first
    assert file.read_text() == whole


def test_facts_that_were_edited_are_not_trusted(spec, tmp_path):
    put(tmp_path, "a.parquet", rows(0, 6, START, copies=True))
    first = looked(spec)
    (file,) = kept(spec)
    file.write_text(file.read_text().replace('"surplus": 6', '"surplus": 0'))

    assert looked(spec) == first


def test_a_file_that_changed_a_moment_ago_is_not_kept(spec, tmp_path):
    rows(0, 6, START).to_parquet(tmp_path / "a.parquet")

    looked(spec)

    assert kept(spec) == []


def test_facts_hold_no_more_than_a_few_kilobytes(spec, tmp_path):
    put(tmp_path, "a.parquet", rows(0, 300, START))

    looked(spec)

    assert kept(spec)[0].stat().st_size < 4_096
    assert Facts.__dataclass_params__.frozen  # type: ignore[attr-defined]
