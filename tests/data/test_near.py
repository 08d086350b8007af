"""What a view holds in memory answers as the engine does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratoon.data import view as view_module
from ratoon.data.source import Source, open_source
from ratoon.data.view import View
from ratoon.spec.model import Spec
from ratoon.spec.values import Span

START = datetime(2026, 1, 1)
DAY = timedelta(days=1)
NOW = START + 40 * DAY


def rows(task: str, *, twice: bool = False) -> pd.DataFrame:
    """Two thousand rows over sixty days: late labels, none, some before their row; numbers, texts, nulls."""
    rng = np.random.default_rng(0)
    n = 2000
    seconds = np.sort(rng.uniform(0, 60 * 86_400, n))
    time = pd.Timestamp(START) + pd.to_timedelta(seconds, unit="s")
    label_time = pd.Series(time + pd.to_timedelta(rng.exponential(3 * 86_400, n), unit="s"))
    label_time[rng.uniform(size=n) < 0.02] = pd.Timestamp(START) - DAY
    target = {
        "binary": rng.integers(0, 2, n),
        "multiclass": rng.choice(["a", "b", "ü"], n),
        "regression": rng.normal(size=n),
    }[task]
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "t": time, "known": label_time, "y": target})
    frame["number"] = np.where(rng.uniform(size=n) < 0.1, np.nan, rng.normal(size=n))
    frame["word"] = pd.Series(rng.choice(["x", "y", ""], n)).where(rng.uniform(size=n) > 0.1)
    frame["y"] = frame["y"].where(rng.uniform(size=n) > 0.1)
    if twice:
        frame = pd.concat([frame, frame.iloc[[700]]])
    return frame.astype({"t": "datetime64[us]", "known": "datetime64[us]"})


@pytest.fixture(params=["binary", "multiclass", "regression", "own table", "mature"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    task = request.param if request.param in ("multiclass", "regression") else "binary"
    found = rows(task)
    data: dict[str, Any] = {"source": str(tmp_path / "rows.parquet"), "id": "id", "time": "t", "target": "y"}
    data |= {"label_time": "known", "features": ["number", "word"]}
    if request.param == "own table":
        found[["id", "y", "known"]].to_parquet(tmp_path / "labels.parquet")
        found = found.drop(columns=["y", "known"])
        data["labels"] = {"source": str(tmp_path / "labels.parquet")}
    if request.param == "mature":
        data["mature_after"] = "5d"
    found.to_parquet(tmp_path / "rows.parquet")
    with opened(task, data) as source:
        yield source


def opened(task: str, data: dict[str, Any]) -> Source:
    given = {"model": "m", "task": task, "data": data, "learner": {"build": "t.py:b"}}
    return open_source(Spec.model_validate(given))


SINCE = START + 15 * DAY
QUESTIONS: dict[str, Callable[[View], Any]] = {
    "a window": lambda v: v.window(Span(start=START + 20 * DAY, end=START + 27 * DAY)),
    "all that is held": lambda v: v.window(Span(start=SINCE, end=NOW)),
    "a window past now": lambda v: v.window(Span(start=START + 35 * DAY, end=START + 50 * DAY)),
    "an empty window": lambda v: v.window(Span(start=NOW, end=NOW + DAY)),
    "a window that reaches back": lambda v: v.window(Span(start=START + 10 * DAY, end=START + 20 * DAY)),
    "a sample of a window": lambda v: v.window(Span(start=START + 20 * DAY, end=START + 27 * DAY), sample=20),
    "counts": lambda v: v.counts(Span(start=START + 20 * DAY, end=START + 27 * DAY)),
    "unlearned": lambda v: v.unlearned(START + 30 * DAY),
    "unlearned from before": lambda v: v.unlearned(START + 3 * DAY),
    "all that is unlearned": lambda v: v.unlearned(None),
    "how many are unlearned": lambda v: v.unlearned_count(START + 30 * DAY),
    "learned": lambda v: v.learned(START + 33 * DAY, START + 25 * DAY),
    "holdout": lambda v: v.holdout(START + 20 * DAY),
    "holdout until": lambda v: v.holdout(START + 20 * DAY, until=START + 30 * DAY),
    "some of the holdout": lambda v: v.holdout(START + 20 * DAY, limit=5),
    "more than the holdout": lambda v: v.holdout(START + 20 * DAY, limit=5000),
    "delay": lambda v: v.label_delay(Span(start=START + 20 * DAY, end=START + 30 * DAY), 0.37),
    "longest delay": lambda v: v.label_delay(Span(start=START + 20 * DAY, end=START + 30 * DAY), 1.0),
    "delay of nothing": lambda v: v.label_delay(Span(start=NOW, end=NOW), 0.5),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_the_engines(source: Source, question: str) -> None:
    plain, held = source.as_of(NOW), View(source._questions, source._rows, NOW)
    held.hold(SINCE)
    assert held._near is not None

    one, other = QUESTIONS[question](plain), QUESTIONS[question](held)

    frames = [each if isinstance(each, pd.DataFrame) else getattr(each, "frame", None) for each in (one, other)]
    if frames[0] is not None:
        pd.testing.assert_frame_equal(*frames)
    if not isinstance(one, pd.DataFrame):
        told = [{k: v for k, v in vars(each).items() if k != "frame"} if hasattr(each, "frame") else each
                for each in (one, other)]  # fmt: skip
        assert told[0] == told[1]


def test_what_is_held_is_never_asked_of_the_engine_again(source: Source) -> None:
    view = source.as_of(NOW)
    view.hold(SINCE)
    view.hold(SINCE + DAY)  # all of it is held already
    asked = list[Any]()
    view._ask = type("Deaf", (), {"rows": asked.append, "one": asked.append})()  # type: ignore[assignment]
    for name in ("counts", "unlearned", "holdout", "delay"):
        QUESTIONS[name](view)
    # Labels without a row stand in a table that is not held, and rows without a time in none
    if not source._rows.can_have_orphans and not source._rows.timed_by_label:
        QUESTIONS["a window"](view)
    assert asked == []


def test_nothing_is_held_where_ids_come_twice_or_of_too_many_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows("binary", twice=True).to_parquet(tmp_path / "rows.parquet")
    data = {"source": str(tmp_path / "rows.parquet"), "id": "id", "time": "t", "target": "y", "label_time": "known"}
    with opened("binary", data) as source:
        view = source.as_of(NOW)
        view.hold(SINCE)
        assert view._near is None
    rows("binary").to_parquet(tmp_path / "rows.parquet")
    with opened("binary", data) as source:
        monkeypatch.setattr(view_module, "MOST_CELLS", 1000)
        view = source.as_of(NOW)
        view.hold(SINCE)
        assert view._near is None
