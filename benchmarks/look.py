"""What a look costs, against what it looks at: CPU seconds and memory of one run, side by side with plain DuckDB.

    python benchmarks/look.py                      # all three parts, at full size
    python benchmarks/look.py --only resident      # 20 columns, windows of 5,000 rows, in a warm process
    python benchmarks/look.py --only observe --rows 100000
    python benchmarks/look.py --only reads --history 1000000

*resident*: a source that stood still since the last look is opened, its windows are read, a logistic regression
predicts the labelled rows, the monitors speak without pages; the median of several looks, each a day later.
*observe*: the monitors alone over windows in memory (60 % numbers, 40 % texts of 3 to 50 levels), first look and next.
*reads*: one look's windows on a long Parquet file, against DuckDB reading the same rows. All data is made up, seeded,
in a temporary folder.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TypeVar

import duckdb
import numpy as np
import pandas as pd

from ratoon.data.metrics.metrics import Outcomes
from ratoon.data.source import open_source
from ratoon.data.window import EVERY_ROW, Window
from ratoon.loop.observe.windows import calibrating
from ratoon.monitors.observe import Labels, observe
from ratoon.monitors.performance.performance import Accepted
from ratoon.monitors.profile import Profile, kinds_of, profile
from ratoon.spec.model import Spec
from ratoon.spec.values import Span

START = datetime(2026, 1, 1)
_T = TypeVar("_T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["resident", "observe", "reads"])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each window that `observe` is given")
    parser.add_argument("--columns", type=int, default=100, help="columns of the windows that `observe` is given")
    parser.add_argument("--history", type=int, default=10_000_000, help="rows of the Parquet file of `reads`")
    parser.add_argument("--looks", type=int, default=5, help="looks of `resident`")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.only in (None, "resident"):
            resident(Path(folder), asked.looks)
        if asked.only in (None, "reads"):
            reads(Path(folder), asked.history)
    if asked.only in (None, "observe"):
        observed(asked.rows, asked.columns)


def resident(folder: Path, looks: int) -> None:
    """The phases of a look in a process that has looked before."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    days = 63 + looks
    made = frame(5_000 * days // 7, 20, START, days, seed=0)
    made.rename(columns={"_id": "id", "_time": "time", "_target": "target"}).drop(
        columns=["_label_time", "_holdout"]
    ).to_parquet(folder / "rows.parquet")
    spec = spec_in(folder, "rows.parquet", window="7d")
    numbers = [c for c in made if c[0] == "n"]
    model = make_pipeline(SimpleImputer(), LogisticRegression()).fit(made[numbers], made["_target"])
    time.sleep(2.5)  # facts are kept of files that stand still
    phases: dict[str, list[float]] = {}
    reference = Span(start=START, end=START + timedelta(days=56))
    for number in range(looks + 2):
        now = START + timedelta(days=61 + number)
        spent: dict[str, float] = {}
        source = timed(spent, "open", lambda: open_source(spec))
        with source:
            view = source.as_of(now)
            span = view.span_of(timedelta(days=7), now)

            def read(view=view, span=span):  # type: ignore[no-untyped-def]
                view.hold(reference.start)
                view.label_delay(reference, 0.95)
                return view.window(reference, name="reference"), view.window(span)

            was, current = timed(spent, "read", read)
        outcomes = timed(spent, "predict", lambda w=current: said(model, numbers, w))  # type: ignore[misc]
        timed(spent, "monitors", lambda: speak(spec, was, current, outcomes))  # noqa: B023
        if number > 1:  # the first two compile questions and learn the reference
            for name, seconds in {**spent, "in all": sum(spent.values())}.items():
                phases.setdefault(name, []).append(seconds)
    print("a resident look, 20 columns, window of 5,000 rows, CPU milliseconds (median of", looks, "looks)")
    print("  " + ", ".join(f"{name} {1000 * median(each):.0f}" for name, each in phases.items()) + "; goal 500\n")


def observed(rows: int, columns: int) -> None:
    """The monitors over windows in memory."""
    spec = spec_in(Path(), "none.parquet", window="7d")
    was = in_memory("reference", rows, columns, START, 56, seed=0)
    current = in_memory("current", rows, columns, START + timedelta(days=56), 7, seed=1)
    score = np.clip(0.3 * current.frame["_target"] + np.random.default_rng(2).uniform(0, 0.7, rows), 0, 1).to_numpy()
    outcomes = Outcomes(current.frame["_target"].to_numpy(), (score > 0.5).astype(int), score, (0, 1))
    before = peak()
    print(f"observe, {rows:,} x {columns} in each window")
    spent: dict[str, float] = {}
    timed(spent, "profile", lambda: known_of(spec, was))
    print(f"  profile of the reference, once for a version: {spent['profile']:.1f} CPU s")
    for name in ("first look", "next look"):
        timed(spent, name, lambda: speak(spec, was, current, outcomes))
        print(f"  {name}: {spent[name]:.1f} CPU s, {peak() - before:.0f} MB above the windows' own {before:.0f}")
    print("  goal at 1,000,000 x 100: 17 CPU s\n")


def reads(folder: Path, history: int) -> None:
    """One look's windows, of a day each, on a file of a year."""
    file = folder / "history.parquet"
    step = int(365 * 86_400e6 / history)
    at = f"TIMESTAMP '2026-01-01' + to_microseconds(i * {step})"
    numbers = ", ".join(f"(hash(i * 31 + {k}) % 100000 / 100000.0)::DOUBLE AS n{k}" for k in range(12))
    texts = ", ".join(f"'level' || (hash(i * 17 + {k}) % {3 + 5 * k}) AS c{k}" for k in range(8))
    with duckdb.connect(config={"threads": 2}) as engine:
        engine.execute(
            f"COPY (SELECT 'row-' || i AS id, {at} AS time, {at} + INTERVAL 1 DAY AS told, "  # our own
            f"(hash(i) % 2)::INTEGER AS target, {numbers}, {texts} FROM range({history}) t(i)) TO '{file}'"
        )
    spec = spec_in(folder, file.name, window="1d", label_time="told")
    now = START + timedelta(days=300)
    spans = [Span(start=now - timedelta(days=d), end=now - timedelta(days=d - 1)) for d in (1, 2, 30)]
    time.sleep(2.5)
    print(
        f"reads of a look, three windows of a day, on {history:,} rows ({file.stat().st_size / 1e6:.0f} MB of Parquet)"
    )
    for name in ("file never seen", "file known", "file known"):
        spent: dict[str, float] = {}
        with timed(spent, "open", lambda: open_source(spec)) as source:
            view = source.as_of(now)
            timed(spent, "windows", lambda: [view.window(s, sample=EVERY_ROW) for s in spans])  # noqa: B023
            timed(spent, "windows again", lambda: [view.window(s, sample=EVERY_ROW) for s in spans])  # noqa: B023
            now_window = view.window(spans[0], sample=EVERY_ROW)
            timed(spent, "labels to calibrate on", lambda: calibrating(view, spec, now_window, spans[2]))  # noqa: B023
        print(f"  {name}: " + ", ".join(f"{what} {seconds:.2f}" for what, seconds in spent.items()) + " CPU s")
    plain: dict[str, float] = {}
    with duckdb.connect(config={"threads": 2}) as engine:
        for name in ("first", "again"):
            timed(
                plain,
                name,
                lambda: [
                    engine.sql(
                        f"SELECT * FROM read_parquet('{file}') WHERE time > '{s.start}' AND time <= '{s.end}'"
                    ).df()
                    for s in spans
                ],
            )
    print(
        "  plain DuckDB, the same windows as frames: " + ", ".join(f"{k} {v:.2f}" for k, v in plain.items()), "CPU s\n"
    )


def speak(spec: Spec, was: Window, current: Window, outcomes: Outcomes) -> None:
    observe(
        spec,
        reference=was,
        current=current,
        labels=Labels(
            outcomes=outcomes,
            accepted=Accepted(0.8, 0.75, 0.85, 2_000),
            performance_span=current.span,
            coverage=1.0,
        ),
        known=known_of(spec, was),
        pages=False,
    )


_KNOWN: dict[int, Profile] = {}


def known_of(spec: Spec, was: Window) -> Profile:
    """The profile that a version of *spec* would keep of its reference."""
    if id(spec) not in _KNOWN:
        _KNOWN[id(spec)] = profile(was, kinds_of(was.frame, [c for c in was.frame if c[0] != "_"]))
    return _KNOWN[id(spec)]


def said(model: object, numbers: list[str], window: Window) -> Outcomes:
    score = model.predict_proba(window.frame[numbers])[:, 1]  # type: ignore[attr-defined]
    return Outcomes(window.frame["_target"].to_numpy(), (score > 0.5).astype(int), score, (0, 1))


def timed(spent: dict[str, float], name: str, work: Callable[[], _T]) -> _T:
    """What *work* gives; its CPU seconds, over all threads, go into *spent*."""
    began = time.process_time()
    found = work()
    spent[name] = time.process_time() - began
    return found


def peak() -> float:
    """The most memory that this process ever held, in MB (Linux counts kB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def spec_in(folder: Path, source: str, *, window: str, **data: object) -> Spec:
    spec = Spec.model_validate(
        {
            "model": "look",
            "task": "binary",
            "data": {"source": source, "id": "id", "time": "time", "target": "target", **data},
            "learner": {"build": "training.py:build"},
            "monitors": {"window": window},
        }
    )
    spec._path = folder / "spec.yaml"
    if folder != Path():
        (folder / spec.stores.home).mkdir(exist_ok=True)  # where the facts of files are kept
    return spec


def in_memory(name: str, rows: int, columns: int, start: datetime, days: int, *, seed: int) -> Window:
    made = frame(rows, columns, start, days, seed=seed)
    schema = {c: "float64" if c[0] == "n" else "string" for c in made if c[0] != "_"}
    span = Span(start=start, end=start + timedelta(days=days))
    return Window(name, span, made, rows=rows, labelled=rows, schema=schema)


def frame(rows: int, columns: int, start: datetime, days: int, *, seed: int) -> pd.DataFrame:
    """Normal, lognormal, counts and uniform numbers, some with gaps, and texts of 3 to 50 levels."""
    rng = np.random.default_rng(seed)
    passed = np.sort(rng.integers(1, int(days * 86_400e6), rows)).astype("timedelta64[us]")
    times = np.datetime64(start, "us") + passed
    made: dict[str, object] = {
        "_id": pd.Series([f"{seed}-{i}" for i in range(rows)], dtype=object),
        "_time": times,
        "_label_time": times,
        "_target": rng.integers(0, 2, rows),
        "_holdout": False,
    }
    numbers = int(columns * 0.6)
    for i in range(numbers):
        draw = (rng.normal, rng.lognormal, lambda size: rng.poisson(5, size).astype(float), rng.uniform)[i % 4]
        values = draw(size=rows)
        if i % 3 == 0:
            values[rng.random(rows) < 0.03] = np.nan
        made[f"n{i}"] = values
    for i in range(columns - numbers):
        levels = np.array([f"level{j}" for j in range(3 + 47 * i // (columns - numbers))], dtype=object)
        made[f"c{i}"] = pd.Series(levels[rng.integers(0, len(levels), rows)], dtype=object)
    return pd.DataFrame(made)


if __name__ == "__main__":
    main()
