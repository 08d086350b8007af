"""`data: {source: log}`: the log is read as the same rows and labels in Parquet are."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sqlalchemy import create_engine, make_url, text

from ratoon.data.source import Source, open_source
from ratoon.log import LabelEvent, Log, Prediction, open_log
from ratoon.spec.errors import DataError
from ratoon.spec.model import Spec
from ratoon.spec.values import Span

START = datetime(2026, 1, 1)
DAYS, A_DAY = 12, 10
MODEL = "logged"


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture(params=["sqlite", "sealed", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param != "postgresql":
        yield f"sqlite:///{tmp_path / request.param / 'log.db'}"
        return
    server = make_url(request.getfixturevalue("postgres_url")).set(drivername="postgresql+psycopg2")
    engine, schema = create_engine(server), f"log_{uuid.uuid4().hex[:12]}"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    options = {"options": f"-csearch_path={schema}"}
    yield (server.set(drivername="postgresql").update_query_dict(options).render_as_string(hide_password=False))
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


def spec_of(folder: Path, data: dict[str, Any], url: str | None = None) -> Spec:
    stores = {"home": str(folder / "home")} | ({} if url is None else {"log": url})
    spec = Spec.model_validate(
        {
            "model": MODEL,
            "task": "binary",
            "data": {"target": "target", **data},
            "learner": {"build": "training.py:build"},
            "stores": stores,
        }
    )
    spec._path = folder / "spec.yaml"
    return spec


def stream() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows with a number, whole numbers, a category and holes; labels a day later, some corrected three days on."""
    rng = np.random.default_rng(3)
    n = DAYS * A_DAY
    at = pd.Series([START + timedelta(days=1) / A_DAY * i for i in range(n)])
    rows = pd.DataFrame(
        {
            "id": [f"r{i:04d}" for i in range(n)],
            "time": at,
            "zeta": np.where(np.arange(n) % 9, rng.normal(size=n), np.nan),
            "count": rng.integers(0, 5, n),
            "town": np.where(np.arange(n) % 7, rng.choice(["Ulm", "Köln"], n), None),
        }
    )
    first = pd.DataFrame({"id": rows["id"], "target": rng.integers(0, 2, n), "told": at + timedelta(days=1, minutes=3)})
    final = first[np.arange(n) % 10 == 0].assign(target=lambda f: 1 - f["target"], told=lambda f: f["told"] + 3 * DAY)
    return rows, pd.concat([first, final], ignore_index=True).sort_values("told", kind="stable")


DAY = timedelta(days=1)


def fill(log: Log, clock: Clock, rows: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Write them as they came, by the clock; the labels with the arrivals that they got."""
    news = [(at, 0, row) for at, row in zip(rows["time"], rows.to_dict("records"), strict=True)]
    news += [(at, 1, label) for at, label in zip(labels["told"], labels.to_dict("records"), strict=True)]
    for at, what, item in sorted(news, key=lambda each: each[:2]):
        clock.at = at.to_pydatetime()
        if what == 0:
            features = {name: item[name] for name in ("zeta", "count", "town")}
            log.append_predictions(MODEL, [Prediction(item["id"], clock.at, "1", features, 0.5)])
        else:
            log.append_labels(MODEL, [LabelEvent(item["id"], item["target"], f"{item['id']}@{at}")])
    found, position = [], 0
    while page := log.labels_after(MODEL, position, 100):
        found += [(each.event.row_id, each.event.value, each.arrival) for each in page]
        position = page[-1].position
    return pd.DataFrame(found, columns=["id", "target", "told"])


@pytest.fixture
def both(url: str, tmp_path: Path) -> Iterator[tuple[Source, Source, Spec]]:
    """The log, and its rows and labels in Parquet files; in `sealed` most of the log lies in files as well."""
    clock = Clock()
    rows, labels = stream()
    with open_log(url, now=clock) as log:
        arrived = fill(log, clock, rows, labels)
        if "sealed" in url:
            clock.at = START + 9 * DAY
            assert len(log.seal(MODEL)) > 10
    rows.to_parquet(tmp_path / "rows.parquet")
    arrived.to_parquet(tmp_path / "labels.parquet")
    ours = spec_of(tmp_path, {"source": "log"}, url)
    files = {"source": "rows.parquet", "id": "id", "time": "time", "label_time": "told"}
    theirs = spec_of(tmp_path, {**files, "labels": {"source": "labels.parquet"}})
    with open_source(ours) as one, open_source(theirs) as other:
        yield one, other, ours


def test_every_read_is_that_of_the_same_rows_in_files(both: tuple[Source, Source, Spec]) -> None:
    for days in (1, 4, 7, 12, 30):
        compare(both, days)
    assert both[0].features == both[1].features
    assert both[0].extent() == both[1].extent()


def compare(both: tuple[Source, Source, Spec], days: int) -> None:
    ours, theirs = (source.as_of(START + days * DAY) for source in both[:2])
    span = Span(start=START + timedelta(days=days - 4), end=START + days * DAY)
    since = START + timedelta(days=days - 2, hours=5)

    one, other = ours.window(span), theirs.window(span)
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert (one.rows, one.labelled, one.revised, one.orphan_labels) == (
        other.rows, other.labelled, other.revised, other.orphan_labels,
    )  # fmt: skip
    for asked in (lambda view: view.unlearned(since), lambda view: view.holdout(None), lambda v: v.learned(v.now)):
        pd.testing.assert_frame_equal(asked(ours), asked(theirs))
    assert ours.last_label(since) == theirs.last_label(since)
    assert ours.ledger_of_rows(since) == theirs.ledger_of_rows(since)


def test_updates_by_the_watermark_learn_every_row_once(both: tuple[Source, Source, Spec]) -> None:
    learned: list[str] = []
    watermark = None
    for day in range(1, DAYS + 4):
        frame = both[0].as_of(START + day * DAY).unlearned(watermark)
        learned += frame["_id"].tolist()
        watermark = frame["_label_time"].max() if len(frame) else watermark
    held_out = both[0].as_of(START + 30 * DAY).holdout(None)["_id"].tolist()

    assert sorted(learned + held_out) == stream()[0]["id"].tolist()


def test_the_first_label_counts_if_asked(url: str, tmp_path: Path) -> None:
    clock = Clock()
    with open_log(url, now=clock) as log:
        fill(log, clock, *stream())
    spec = spec_of(tmp_path, {"source": "log", "labels": {"revisions": "first"}}, url)
    with open_source(spec) as source:
        found = source.as_of(START + 30 * DAY).window(Span(start=START - DAY, end=START + 30 * DAY))
        assert found.revised == 0
        revisions = source.revisions()
    assert revisions is not None and revisions.revised == DAYS * A_DAY // 10


def test_what_was_served_is_a_column_if_asked(url: str, tmp_path: Path) -> None:
    with open_log(url, now=lambda: START) as log:
        log.append_predictions(MODEL, [Prediction("a", START, "1", {"x": 1, "own": True}, 0.25)])
        log.append_predictions(MODEL, [Prediction("b", START, "1", {"x": 2.5, "own": None, "big": 2**70}, 1)])
        log.append_labels(MODEL, [LabelEvent("a", True)])
    with open_source(spec_of(tmp_path, {"source": "log", "prediction": "prediction"}, url)) as source:
        frame = source.as_of(START + DAY).window(Span(start=START - DAY, end=START + DAY)).frame.set_index("_id")

    assert frame["_prediction"].to_dict() == {"a": 0.25, "b": 1.0}
    assert frame["x"].to_dict() == {"a": 1.0, "b": 2.5}
    assert frame.loc["a", "own"] == 1.0
    assert frame.loc["b", "big"] == 2.0**70
    assert np.isnan(frame.loc["b", "own"])
    assert frame.loc["a", "_target"] == 1


def test_numbers_that_became_text_are_text_from_then_on(url: str, tmp_path: Path) -> None:
    clock = Clock()
    with open_log(url, now=clock) as log:
        log.append_predictions(MODEL, [Prediction("a", START, "1", {"code": 7, "new": "x"})])
        clock.at += 2 * DAY
        log.append_predictions(MODEL, [Prediction("b", clock.at, "1", {"code": "7b", "late": 1.5})])
        if "sealed" in url:
            log.seal(MODEL)
            clock.at += 2 * DAY
            log.append_predictions(MODEL, [Prediction("c", clock.at, "1", {"code": True})])
    with open_source(spec_of(tmp_path, {"source": "log"}, url)) as source:
        frame = source.as_of(START + 9 * DAY).window(Span(start=START - DAY, end=START + 9 * DAY)).frame

    assert source.features == ("code", "new", "late")
    assert frame["code"].tolist()[:2] == ["7", "7b"]


def test_partitions_are_read_together_without_a_gap(url: str, tmp_path: Path) -> None:
    """One partition's clock is ahead of another's: what was read is never overtaken by an older stamp."""
    clock = Clock()
    spec = spec_of(tmp_path, {"source": "log", "holdout": 0.01}, url)
    seen: set[str] = set()
    watermark = None
    with open_log(url, now=clock) as log:
        for step in range(12):
            part = "ab"[step % 2]
            clock.at = START + timedelta(minutes=step, seconds=-90 * (step % 2))
            log.append_predictions(MODEL, [Prediction(f"r{step}", START, "1", {"x": step})], part)
            log.append_labels(MODEL, [LabelEvent(f"r{step}", 1)], part)
            with open_source(spec) as source:
                frame = source.as_of(datetime(2100, 1, 1)).unlearned(watermark)
            assert not seen & set(frame["_id"])
            seen |= set(frame["_id"])
            watermark = frame["_label_time"].max() if len(frame) else watermark

    assert len(seen) == 12


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"url": "postgresql://h/d", "table": "t"}, "url"),
        ({"table": "t"}, "table"),
        ({"id": ["a", "b"]}, "id"),
        ({"label_delay": "1d"}, "label_delay"),
        ({"labels": {"source": "x.parquet"}}, "labels.source"),
        ({"labels": {"id": "x"}}, "labels.id"),
    ],
)
def test_keys_that_have_no_meaning_with_the_log_are_refused_by_name(
    tmp_path: Path, data: dict[str, Any], key: str
) -> None:
    with pytest.raises(ValidationError, match=f"`{key}`"):
        spec_of(tmp_path, {"source": "log", **data})


def test_a_log_without_the_model_is_named_with_the_next_step(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    spec = spec_of(tmp_path, {"source": "log"}, url)

    with pytest.raises(DataError, match="ratoon log import"):
        open_source(spec)
    assert not (tmp_path / "log.db").exists()
    open_log(url).close()
    with pytest.raises(DataError, match=MODEL):
        open_source(spec)
