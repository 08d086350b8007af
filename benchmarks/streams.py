"""The nine streams: a spec and a champion for each, and clean windows with the labels that had arrived by then.

The champion learns the first third and is never updated. The reference is, by turns, the eight windows at its
watermark (an old reference, from which seasons and trends lead away) and the eight windows before the current
one (as after a fresh update).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ratoon.data.metrics.metrics import Outcomes
from ratoon.data.source import open_source
from ratoon.data.view import View
from ratoon.data.window import Window
from ratoon.loop.champion import accepted_of
from ratoon.models.ladder.run import first
from ratoon.models.learning.trained import Trained
from ratoon.monitors.labels.judged import WindowBefore
from ratoon.monitors.profile import Profile, kinds_of, profile
from ratoon.spec.errors import RatoonError
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.values import Span

_TRAINING = """
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def columns():
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False, min_frequency=20),
         make_column_selector(dtype_exclude="number")),
    )


def network():
    return Pipeline([("scale", StandardScaler()), ("network", MLPClassifier(hidden_layer_sizes=(32,), max_iter=60))])


def linear():
    return Pipeline([("columns", columns()), ("model", SGDClassifier(loss="log_loss", average=True))])


def regressor():
    return Pipeline([("columns", columns()), ("model", MLPRegressor(hidden_layer_sizes=(32,), max_iter=60))])
"""


@dataclass(frozen=True)
class Stream:
    """One data set as the benchmarks read it.

    *slots* name the columns that are corrupted, and whether its rows fill hours and days. *order* puts the file's rows
    into another order, which is then their time: a row a minute.
    """

    name: str
    file: str
    task: str
    window: str
    build: str
    metric: str
    data: dict[str, Any] = field(default_factory=dict)
    slots: dict[str, str] = field(default_factory=dict)
    delay: timedelta = timedelta(0)
    holes: tuple[tuple[str, str], ...] = ()  # stretches without a row in the source itself: not clean
    order: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    def whole(self, span: Span) -> bool:
        """Whether *span* lies outside the stream's own holes."""
        return not any(
            span.start < datetime.fromisoformat(b) and datetime.fromisoformat(a) < span.end for a, b in self.holes
        )

    def spec(self, datasets: Path, folder: Path) -> Spec:
        (folder / "training.py").write_text(_TRAINING)
        path = folder / f"{self.name.replace(' ', '-')}.yaml"
        written = {
            "model": self.name.replace(" ", "-"),
            "task": self.task,
            "data": {"source": str(self._file(datasets, folder)), "id": "seq", "target": "target", **self.data},
            "learner": {"build": f"training.py:{self.build}"},
            "monitors": {
                "window": self.window,
                "every": self.window,
                "sample": 4000,
                "performance": {"metric": self.metric, "min_labels": 200},
            },
        }
        path.write_text(yaml.safe_dump(written))
        return load_spec(path)

    def _file(self, datasets: Path, folder: Path) -> Path:
        if self.order is None:
            return datasets / self.file
        frame = self.order(pd.read_parquet(datasets / self.file)).reset_index(drop=True)
        frame = frame.drop(columns=["event_time", "label_time", *self.data.get("drop", ())], errors="ignore")
        frame.assign(seq=range(len(frame))).to_parquet(folder / "ordered.parquet", index=False)
        return folder / "ordered.parquet"


def in_source_order(stream: Stream, rows: int, order: Callable[[pd.DataFrame], pd.DataFrame], name: str) -> Stream:
    """*stream* with its rows as a file holds them, in windows of so many *rows*."""
    data = {"time": "seq", "time_unit": "1m"}
    return replace(
        stream, name=name, window=f"{rows}m", data=data | {"drop": stream.data.get("drop", [])}, delay=timedelta(0),
        holes=(), order=order,
    )  # fmt: skip


_TIMED = {"time": "event_time"}
_DAILY = {"daily": ""}
_HOURLY = {"hourly": "", **_DAILY}
STREAMS = (
    Stream(
        "elec2", "main/elec2.parquet", "binary", "14d", "network", "roc_auc",
        {**_TIMED, "label_delay": "1d", "drop": ["nswprice"]},
        {"a": "nswdemand", "b": "transfer", "numbers": "nswdemand,vicdemand,transfer,vicprice", **_HOURLY},
        timedelta(days=1),
    ),
    Stream(
        "nycflights13", "main/nycflights13.parquet", "binary", "7d", "linear", "roc_auc",
        {**_TIMED, "label_time": "label_time", "drop": ["target_arr_delay"]},
        {"a": "temp", "b": "distance", "c": "carrier", "numbers": "temp,humid,distance,wind_speed,seats,sched_dep_min",
         **_HOURLY},
        timedelta(hours=12),
    ),
    Stream(
        "bike_hourly", "demo/bike_hourly.parquet", "regression", "21d", "regressor", "mae", _TIMED,
        {"a": "temp", "b": "hum", "c": "weathersit", "numbers": "temp,hum,windspeed,hour", **_HOURLY},
    ),
    Stream(
        "weather_aus", "controls/weather_aus.parquet", "binary", "28d", "linear", "roc_auc",
        {**_TIMED, "label_time": "label_time"},
        {"a": "Temp3pm", "b": "Humidity3pm", "c": "WindGustDir",
         "numbers": "Temp3pm,Humidity3pm,WindSpeed3pm,Pressure3pm", **_DAILY},
        timedelta(days=1), (("2011-04-01", "2011-05-01"), ("2012-12-01", "2013-01-01"), ("2013-02-01", "2013-03-01")),
    ),
    Stream("us_births", "main/us_births.parquet", "regression", "28d", "regressor", "mae", _TIMED,
           {"c": "state", **_DAILY}),
    Stream(
        "noaa_bellevue", "main/noaa_bellevue.parquet", "binary", "365d", "network", "accuracy",
        {"time": "seq", "time_unit": "1d"},
        {"a": "temp", "b": "sea_level_pressure", "numbers": "temp,dew_point,sea_level_pressure,avg_wind", **_DAILY},
    ),
    Stream("metro_traffic", "main/metro_traffic.parquet", "regression", "28d", "regressor", "mae", _TIMED,
           {"a": "temp", "b": "clouds_all", "c": "weather_main", "numbers": "temp,clouds_all,rain_1h", **_HOURLY},
           holes=(("2014-08-08", "2015-06-11"),)),
    Stream(
        "acs_employment", "controls/acs_employment_ma_control.parquet", "binary", "7d", "linear", "roc_auc",
        {"time": "seq", "time_unit": "1m", "drop": ["event_time"]},
        {"a": "AGEP", "c": "RELP", **_HOURLY},
    ),
    Stream(
        "nyc_hourly", "demo/nyc_hourly.parquet", "binary", "14d", "linear", "roc_auc",
        {**_TIMED, "drop": ["late_share"]},
        {"a": "temp", "b": "humid", "c": "origin", "numbers": "temp,humid,wind_speed,pressure,n_flights", **_HOURLY},
    ),
)  # fmt: skip
TUNING = ("elec2", "bike_hourly", "us_births")


def _by_name(*columns: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.sort_values([*columns, "seq"], kind="stable", key=lambda c: c.astype(str))


def _as_packaged(frame: pd.DataFrame) -> pd.DataFrame:
    """The flights as their package holds them: the months by name, 1, 10, 11, 12, 2, …"""
    return frame.iloc[np.argsort(frame["event_time"].dt.month.astype(str).to_numpy(), kind="stable")]


_NAMED = {stream.name: stream for stream in STREAMS}
IN_SOURCE_ORDER = tuple(
    in_source_order(_NAMED[name], rows, order, f"{name} {how}")
    for name, rows, order, how in (
        ("elec2", 700, lambda f: f, "by row"),
        ("bike_hourly", 500, lambda f: f, "by row"),
        ("us_births", 1500, lambda f: f, "by row"),
        ("metro_traffic", 700, lambda f: f, "by row"),
        ("nyc_hourly", 700, lambda f: f, "by row"),
        ("weather_aus", 1400, lambda f: f, "by row"),
        ("nyc_hourly", 700, _by_name("origin"), "by origin"),
        ("weather_aus", 2000, _by_name("Location"), "by station"),
        ("nycflights13", 6000, _as_packaged, "as packaged"),
    )
)


@dataclass(frozen=True)
class Case:
    """One clean window and all that a monitor holds it against; *judged* are the rows of the performance span, *recent*
    the windows just before the current one, where the reference is older."""

    reference: Window
    current: Window
    judged: Window
    known: Profile
    fresh: bool
    recent: Window | None = None
    before: Callable[[], tuple[WindowBefore, ...]] = tuple


class Watched:
    """One stream with its champion and its windows."""

    def __init__(self, stream: Stream, datasets: Path, folder: Path) -> None:
        self.stream = stream
        self.spec = stream.spec(datasets, folder)
        self._source = open_source(self.spec)
        whole = self._source.extent()
        assert whole is not None
        self.start = (whole.start + whole.length / 3).replace(minute=0, second=0, microsecond=0)
        self.end = whole.end
        view = self._source.as_of(self.start)
        rows = view.learned(self.start)
        self.trained, _ = first(self.spec, _at_most(rows), holdout=view.holdout(None, limit=5000))
        self.accepted = accepted_of(self.spec, self.trained)
        frame = pd.concat([rows, view.holdout(None)])
        self.known = profile(_whole(frame, self.start), kinds_of(frame, self._source.features))
        self._old: Window | None = None

    @property
    def champion(self) -> Trained:
        return self.trained

    def cases(self, most: int | None = None) -> Iterator[Case]:
        """Every clean window behind the training data, or *most* of them, evenly spaced."""
        length = self.spec.monitors.window
        assert isinstance(length, timedelta)
        ends = [self.start + length * n for n in range(1, int((self.end - self.start) / length) + 1)]
        ends = [end for end in ends if self.stream.whole(Span(start=end - length, end=end))]
        if most is not None and most < len(ends):
            ends = [ends[i] for i in np.linspace(0, len(ends) - 1, most).astype(int)]
        for number, end in enumerate(ends):
            yield self._case(end, length, fresh=number % 2 == 1)

    def outcomes(self, rows: pd.DataFrame) -> Outcomes | None:
        """What the champion says of the labelled rows; None where it can say nothing."""
        try:
            return self.trained.predict(rows[rows["_target"].notna()])
        except (RatoonError, ValueError):
            return None

    def close(self) -> None:
        self._source.close()

    def _case(self, end: datetime, length: timedelta, *, fresh: bool) -> Case:
        view = self._source.as_of(end)
        current = view.window(Span(start=end - length, end=end), name="current")
        judged = view.window(Span(start=end - length - self.stream.delay, end=end - self.stream.delay), name="judged")
        before = cache(lambda: tuple(self._before(view, judged.span.start, length)))
        if fresh:
            span = Span(start=end - 9 * length, end=end - length)
            return Case(view.window(span, name="reference"), current, judged, self.known, True, None, before)
        if self._old is None:
            self._old = view.window(Span(start=self.start - 8 * length, end=self.start), name="reference")
        span = Span(start=end - 6 * length, end=end - 2 * length)  # as loop/observe/windows.py reads them
        recent = view.window(span, name="recent") if span.end > self._old.span.end else None
        return Case(self._old, current, judged, self.known, False, recent, before)

    def _before(self, view: View, end: datetime, length: timedelta) -> Iterator[WindowBefore]:
        """The three windows before *end* that the champion did not learn, the newest first."""
        for n in range(3):
            span = Span(start=end - (n + 1) * length, end=end - n * length)
            if span.start < self.start - length:
                return
            frame = view.window(span, name="earlier").frame
            rows = frame[frame["_target"].notna()]
            yield WindowBefore(frame, self.outcomes(rows), rows)


def in_both(case: Case, current: Window) -> pd.DataFrame:
    """The rows of the performance span, those of the current window as *current* has them."""
    frame = case.judged.frame
    before = frame[frame["_time"] <= case.current.span.start]
    now = current.frame[current.frame["_time"] <= case.judged.span.end]
    return pd.concat([before, now], ignore_index=True) if len(before) else now


def _at_most(rows: pd.DataFrame, most: int = 30_000) -> pd.DataFrame:
    return rows.tail(most).reset_index(drop=True)


def _whole(frame: pd.DataFrame, end: datetime) -> Window:
    span = Span(start=frame["_time"].min().to_pydatetime(), end=end)
    return Window("known", span, frame, rows=len(frame), labelled=len(frame))
