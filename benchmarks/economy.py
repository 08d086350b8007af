"""What learning on from the last state earns and saves: quality and training CPU, stream by stream, family by family.

    python benchmarks/economy.py [--only elec2,bike] [--learners mlp,lightgbm] [--workers 2] [--epochs 10] [--json FILE]

Each cell replays a stream six times with one family of models: never retrained, retrained at every look from
scratch on a sliding stretch and on all history (no holdout, no gate, serving at once, as a cron job would), continued
at every look without a gate, and cared for by Ratoon with its ladder and gate: with its default policy, which waits
for harm, and *steady*, with one rule more, by which every look at sound data tries an update on the rungs that
continue. *CPU* is of learning, one thread, refused candidates included, the first version left out, which all arms
share. `share` is Ratoon's CPU by that of the better scratch arm; `against it` compares the two stretch by stretch, as
benchmarks/policies.py does; both are of *steady* in the second table.

Streams above 100,000 rows are thinned to every fourth row. Needs the streams in ../shared/datasets, and the extras
`lightgbm`, `xgboost` and `river`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd
from policies import compared
from rich.console import Console
from rich.table import Table

from ratoon.backtest.jobs import Job, side_by_side
from ratoon.backtest.results import ArmResult
from ratoon.backtest.scheduled import NAMES
from ratoon.backtest.turn import ByPolicy
from ratoon.data.metrics import METRICS
from ratoon.data.source import open_source
from ratoon.loop.plan import plan
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.rules import DEFAULT_POLICY, Rule

ROOT = Path(__file__).resolve().parents[1]
LEARNERS = ("sgd", "mlp", "lightgbm", "xgboost", "river")
CHEAP = ("warm", "warm_replay", "shrink_perturb")  # from scratch only on harm
STEADY = (*DEFAULT_POLICY, Rule(when='triage != "broken_data"', do="warm_start", min_rows=50, rungs=CHEAP))
THIN = 100_000  # rows, above which every fourth is taken


@dataclass(frozen=True)
class Stream:
    """A spec, and how often it is looked at where that differs from the spec."""

    path: Path
    every: timedelta | None = None


STREAMS = {
    "elec2": Stream(ROOT / "examples/elec2.yaml"),
    "nycflights13": Stream(ROOT / "examples/nycflights13.yaml"),
    "us_births": Stream(ROOT / "examples/us_births.yaml", timedelta(days=180)),
    "bike": Stream(ROOT / "demo/bike.yaml"),
    "noaa": Stream(ROOT / "examples/noaa_bellevue.yaml"),
    "metro": Stream(ROOT / "examples/metro_traffic.yaml"),
    "acs": Stream(ROOT / "examples/acs_employment.yaml"),
}


@dataclass(frozen=True)
class Cell:
    """One stream with one family: the arms by name, and which of two values of the metric is better."""

    stream: str
    learner: str
    metric: str
    arms: dict[str, ArmResult]

    @property
    def scratch(self) -> ArmResult:
        """The better of the two arms that train from scratch at every look."""
        two = [self.arms[NAMES["scratch_sliding"]], self.arms[NAMES["scratch_all"]]]
        return (max if METRICS[self.metric].greater_is_better else min)(two, key=lambda arm: arm.quality.value)


def spec_of(stream: Stream, learner: str, folder: Path, epochs: int | None = None) -> Spec:
    """The stream's spec with the family's build function, Ratoon's default policy, and its rows in *folder*.

    *epochs*: passes of an update, where they are not the default.
    """
    spec = load_spec(stream.path)
    task = "regression" if spec.task == "regression" else "binary"
    assert spec.data.source is not None
    source = (spec.folder / spec.data.source).resolve()
    rows = pd.read_parquet(source)
    if len(rows) > THIN:
        source = folder / f"{spec.model}.parquet"
        if not source.exists():
            rows.iloc[::4].to_parquet(source)
    passes = {} if epochs is None else {"epochs": epochs}
    changed = spec.model_copy(
        update={
            "policy": DEFAULT_POLICY,
            "data": spec.data.model_copy(update={"source": str(source)}),
            "learner": type(spec.learner).model_validate({"build": f"learners.py:{learner}_{task}", **passes}),
        }
    )
    changed._path = Path(__file__).with_name("economy.yaml")  # no file: `learners.py` is looked for beside it
    return changed


def cell(name: str, learner: str, folder: Path, workers: int, epochs: int | None = None) -> Cell:
    """Run the six arms of one cell."""
    spec = spec_of(STREAMS[name], learner, folder, epochs)
    with open_source(spec) as source:
        planned = plan(source, name, None, None, STREAMS[name].every or spec.monitors.every)
    fits = folder / f"{name}-{learner}"
    steady = spec.model_copy(update={"policy": STEADY})
    steady._path = spec.path
    jobs = [
        Job(arm, cared, planned, strategy=ByPolicy(), hindsight=False)
        for arm, cared in (("Ratoon", spec), ("steady", steady))
    ]
    alone = ("scratch_all", "scratch_sliding", "warm", "never")
    jobs += [Job(NAMES[kind], spec, planned, kind, fits=fits, hindsight=False) for kind in alone]
    arms = {job.name: result for job, result in side_by_side(jobs, workers, lambda *_: None)}
    return Cell(name, learner, spec.metric, arms)


def show(cells: list[Cell], console: Console) -> None:
    """One row for each cell in each table."""
    table = Table(title="Quality of the composite model and CPU seconds of training (one thread)")
    for name in ("stream", "learner", "never", "sliding", "CPU", "all history", "CPU", "warm", "CPU", *_OURS):
        table.add_column(name, no_wrap=True)
    second = Table(title="Ratoon with an update at every look (steady)")
    for name in ("stream", "learner", "better scratch", "CPU", "steady", *_OURS[1:]):
        second.add_column(name, no_wrap=True)
    for each in cells:
        row = [f"{each.stream} ({each.metric})", each.learner]
        arms = [part for kind in ("scratch_sliding", "scratch_all", "warm") for part in _arm(each.arms[NAMES[kind]])]
        table.add_row(*row, _value(each.arms["never"]), *arms, *_ours(each, each.arms["Ratoon"]))
        second.add_row(*row, *_arm(each.scratch), *_ours(each, each.arms["steady"]))
    console.print(table)
    console.print(second)


_OURS = ("Ratoon", "CPU", "runs", "share", "against it")


def _ours(each: Cell, ours: ArmResult) -> tuple[str, ...]:
    share = f"1/{each.scratch.cpu_seconds / ours.cpu_seconds:.0f}" if ours.cpu_seconds > 0 else "none"
    better = METRICS[each.metric].greater_is_better
    return *_arm(ours), f"{ours.runs}/{ours.promoted}", share, compared(better, ours, each.scratch)


def _arm(arm: ArmResult) -> tuple[str, str]:
    return _value(arm), f"{arm.cpu_seconds:.2f}"


def _value(arm: ArmResult) -> str:
    return f"{arm.quality.value:.4g}"


def main() -> None:
    """Run the cells one after the other, their arms side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="streams by name, with commas between")
    parser.add_argument("--learners", help="families by name, with commas between")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, help="passes of an update by partial_fit, instead of the default")
    parser.add_argument("--json", type=Path, help="write the figures to this file too, cell by cell")
    asked = parser.parse_args()
    streams = asked.only.split(",") if asked.only else list(STREAMS)
    families = asked.learners.split(",") if asked.learners else list(LEARNERS)
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in streams:
            for learner in families:
                began = time.monotonic()
                cells.append(cell(name, learner, Path(folder), asked.workers, asked.epochs))
                print(f"{name} {learner}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
                show(cells[-1:], Console(stderr=True, width=190))
                if asked.json:
                    asked.json.write_text(json.dumps([_figures(each) for each in cells], indent=1))
    show(cells, Console(width=190))


def _figures(each: Cell) -> dict[str, object]:
    short = {"decisions", "steps"}
    arms = {name: arm.model_dump(mode="json", exclude=short) for name, arm in each.arms.items()}
    return {"stream": each.stream, "learner": each.learner, "metric": each.metric, "arms": arms}


if __name__ == "__main__":
    main()
