"""What learning on from the last state earns and saves: quality and training CPU, stream by stream, family by family.

    python benchmarks/economy.py [--only elec2,bike] [--learners mlp,lightgbm] [--workers 2] [--epochs 10] [--whole]
                                 [--quick] [--json FILE] [--reuse FILE ...]

Each cell replays a stream five times with one family of models: never retrained, retrained at every look from
scratch on a sliding stretch and on all history (no holdout, no gate, serving at once, as a cron job would), continued
at every look without a gate, and cared for by Ratoon with its default policy, ladder and gate. *CPU* is of learning,
one thread, refused candidates included, the first version left out, which all arms share. `share` is Ratoon's CPU by
that of the better scratch arm; `against it` compares the two stretch by stretch, as benchmarks/policies.py does.

Streams above 100,000 rows are thinned to every fourth row, but for `--whole`. `--quick` leaves out the arms that train
at every look, which take most of the time: what remains says what Ratoon gains over never. `--reuse` takes these arms
from files that `--json` wrote earlier, after a change that only Ratoon's own arm can notice (policy, ladder, gate).
Needs the streams in ../shared/datasets, and the extras `lightgbm`, `xgboost` and `river`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from ratoon.spec.rules import DEFAULT_POLICY

ROOT = Path(__file__).resolve().parents[1]
LEARNERS = ("sgd", "mlp", "lightgbm", "xgboost", "river")
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
    def scratch(self) -> ArmResult | None:
        """The better of the two arms that train from scratch at every look; None where they were left out."""
        two = [self.arms[name] for name in (NAMES["scratch_sliding"], NAMES["scratch_all"]) if name in self.arms]
        if not two:
            return None
        return (max if METRICS[self.metric].greater_is_better else min)(two, key=lambda arm: arm.quality.value)


@dataclass(frozen=True)
class Asked:
    """How cells are run: arms side by side, passes of an update, long streams whole or thinned, all arms or two.

    *known*: the arms of earlier runs by stream and family.
    """

    workers: int = 2
    epochs: int | None = None
    whole: bool = False
    quick: bool = False
    known: Mapping[tuple[str, str], dict[str, ArmResult]] = field(default_factory=dict)


def spec_of(stream: Stream, learner: str, folder: Path, asked: Asked = Asked()) -> Spec:
    """The stream's spec with the family's build function, Ratoon's default policy, and its rows in *folder*."""
    spec = load_spec(stream.path)
    task = "regression" if spec.task == "regression" else "binary"
    assert spec.data.source is not None
    source = (spec.folder / spec.data.source).resolve()
    rows = pd.read_parquet(source)
    if len(rows) > THIN and not asked.whole:
        source = folder / f"{spec.model}.parquet"
        if not source.exists():
            rows.iloc[::4].to_parquet(source)
    made = {"build": f"learners.py:{learner}_{task}", "epochs": asked.epochs}
    changed = spec.model_copy(
        update={
            "policy": DEFAULT_POLICY,
            "data": spec.data.model_copy(update={"source": str(source)}),
            "learner": type(spec.learner).model_validate(made),
        }
    )
    changed._path = Path(__file__).with_name("economy.yaml")  # no file: `learners.py` is looked for beside it
    return changed


def cell(name: str, learner: str, folder: Path, asked: Asked) -> Cell:
    """Run the five arms of one cell, but for those that are known."""
    known = asked.known.get((name, learner), {})
    spec = spec_of(STREAMS[name], learner, folder, asked)
    with open_source(spec) as source:
        planned = plan(source, name, None, None, STREAMS[name].every or spec.monitors.every)
    fits = folder / f"{name}-{learner}"
    jobs = [Job("Ratoon", spec, planned, strategy=ByPolicy(), hindsight=False)]
    alone = ("never",) if asked.quick else ("scratch_all", "scratch_sliding", "warm", "never")
    left = [kind for kind in alone if NAMES[kind] not in known]
    jobs += [Job(NAMES[kind], spec, planned, kind, fits=fits, hindsight=False) for kind in left]
    arms = known | {job.name: result for job, result in side_by_side(jobs, asked.workers, lambda *_: None)}
    return Cell(name, learner, spec.metric, arms)


def show(cells: list[Cell], console: Console) -> None:
    """One row for each cell."""
    table = Table(title="Quality of the composite model and CPU seconds of training (one thread)")
    scratch = ("never", "sliding", "CPU", "all history", "CPU", "warm", "CPU")
    for name in ("stream", "learner", *scratch, "Ratoon", "CPU", "runs", "share", "against it"):
        table.add_column(name, no_wrap=True)
    for each in cells:
        arms = [
            part for kind in ("scratch_sliding", "scratch_all", "warm") for part in _arm(each.arms.get(NAMES[kind]))
        ]
        table.add_row(f"{each.stream} ({each.metric})", each.learner, _value(each.arms["never"]), *arms, *_ours(each))
    console.print(table)


def _ours(each: Cell) -> tuple[str, ...]:
    ours = each.arms["Ratoon"]
    if each.scratch is None:
        return *_arm(ours), f"{ours.runs}/{ours.promoted}", "–", "–"
    share = f"1/{each.scratch.cpu_seconds / ours.cpu_seconds:.0f}" if ours.cpu_seconds > 0 else "none"
    metric = METRICS[each.metric]
    if each.scratch.steps:
        against = compared(metric.greater_is_better, ours, each.scratch)
    else:
        against = f"{metric.gain(ours.quality.value, each.scratch.quality.value):+.4g}"
    return *_arm(ours), f"{ours.runs}/{ours.promoted}", share, against


def _arm(arm: ArmResult | None) -> tuple[str, str]:
    if arm is None:
        return "–", "–"
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
    parser.add_argument("--whole", action="store_true", help="do not thin the long streams")
    parser.add_argument("--quick", action="store_true", help="never and Ratoon alone")
    parser.add_argument("--json", type=Path, help="write the figures to this file too, cell by cell")
    parser.add_argument("--reuse", type=Path, nargs="+", default=[], help="earlier --json files: all but Ratoon's arm")
    given = parser.parse_args()
    asked = Asked(given.workers, given.epochs, given.whole, given.quick, _earlier(given.reuse))
    streams = given.only.split(",") if given.only else list(STREAMS)
    families = given.learners.split(",") if given.learners else list(LEARNERS)
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in streams:
            for learner in families:
                began = time.monotonic()
                cells.append(cell(name, learner, Path(folder), asked))
                print(f"{name} {learner}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
                show(cells[-1:], Console(stderr=True, width=190))
                if given.json:
                    given.json.write_text(json.dumps([_figures(each) for each in cells], indent=1))
    show(cells, Console(width=190))


def _earlier(files: list[Path]) -> dict[tuple[str, str], dict[str, ArmResult]]:
    """Every arm of those runs but Ratoon's. Where a file lacks its steps there is no comparison stretch by stretch."""
    found: dict[tuple[str, str], dict[str, ArmResult]] = {}
    for each in (cell for file in files for cell in json.loads(file.read_text())):
        arms = {name: ArmResult.model_validate({"steps": ()} | arm) for name, arm in each["arms"].items()}
        arms.pop("Ratoon", None)
        found[each["stream"], each["learner"]] = arms
    return found


def _figures(each: Cell) -> dict[str, object]:
    arms = {name: arm.model_dump(mode="json", exclude={"decisions"}) for name, arm in each.arms.items()}
    return {"stream": each.stream, "learner": each.learner, "metric": each.metric, "arms": arms}


if __name__ == "__main__":
    main()
