"""What Ratoon earns and costs, stream by stream, family by family, beside the best fixed strategy in hindsight.

    python benchmarks/economy.py [--half tuning|reporting] [--only elec2,made-abrupt-0] [--learners sgd,lightgbm]
                                 [--workers 2] [--epochs 10] [--whole] [--quick] [--json FILE] [--reuse FILE ...]

Each cell replays a stream five times with one family of models: never retrained, retrained at every look from
scratch on a sliding stretch and on all history (no holdout, no gate, serving at once, as a cron job would), continued
at every look without a gate, and cared for by Ratoon with its default policy and gate. The first version, which all
arms share, costs none of them anything.

*best* is the best of the four fixed strategies by its quality, which nobody could know before. *regret* compares
Ratoon with it stretch by stretch: the mean difference of the metric weighted by rows, positive is better for Ratoon,
with a 95 % bootstrap interval over stretches. *CPU* is in seconds, one thread of learning: `learning` alone, and `all`
that the arm ran at its looks, that is reading, monitors, deciding, learning, judging. *hurt* counts promoted versions
that were provably worse, while they served, than the version which they replaced. *fired* is the share of looks.

The streams stand in halves.py: nothing may be tuned on the reporting half. Streams above 100,000 rows are thinned to
every fourth row, but for `--whole`. `--quick` leaves out the arms that train at every look, which take most of the
time: what remains says what Ratoon gains over never. `--json` writes a line for each cell as it ends; run again with
the same file, cells that stand in it are not run again (for new code take a new file). `--reuse` takes all arms but
Ratoon's from such files, after a change that only Ratoon's own arm can notice (policy, ladder, gate).
Needs the streams in ../shared/datasets, and the extras `lightgbm`, `xgboost` and `river`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from halves import Half, Stream, chosen
from rich.console import Console
from rich.table import Table

from ratoon.backtest.compared import Difference, best_fixed, compared
from ratoon.backtest.deciders import ByPolicy
from ratoon.backtest.jobs import Job, side_by_side
from ratoon.backtest.results import ArmResult, Kind
from ratoon.backtest.scheduled import NAMES
from ratoon.data.metrics.metrics import METRICS
from ratoon.data.source import open_source
from ratoon.loop.learn.cohorts import settled
from ratoon.loop.plan import plan
from ratoon.spec.keys.gate import GateSpec
from ratoon.spec.keys.rules import default_policy
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec

LEARNERS = ("sgd", "mlp", "lightgbm", "xgboost", "river")
THIN = 100_000  # rows, above which every fourth is taken
OURS = "Ratoon"
FIXED: tuple[Kind, ...] = ("scratch_all", "scratch_sliding", "warm", "never")  # those that take longest first

Key = tuple[str, str]  # stream, learner


@dataclass(frozen=True)
class Cell:
    """One stream with one family: the arms by name."""

    stream: str
    learner: str
    metric: str
    arms: dict[str, ArmResult]

    @property
    def ours(self) -> ArmResult:
        return self.arms[OURS]

    @property
    def best(self) -> ArmResult | None:
        """The best fixed strategy in hindsight, of those that were run."""
        return best_fixed(list(self.arms.values()), METRICS[self.metric].greater_is_better)

    @property
    def regret(self) -> Difference | None:
        """Ratoon against the best fixed strategy, stretch by stretch; positive is better for Ratoon."""
        return compared(METRICS[self.metric].greater_is_better, self.ours, self.best) if self.best else None

    @property
    def ratio(self) -> float | None:
        """All of Ratoon's CPU by that of the best fixed strategy; None where that one, never, costs nothing."""
        return self.ours.cpu.total / self.best.cpu.total if self.best and self.best.cpu.total > 0 else None

    @property
    def fit_seconds(self) -> float:
        """CPU seconds of one fit from scratch on all history, on average; 0 where none was run."""
        arm = self.arms.get(NAMES["scratch_all"])
        return arm.cpu.learning / arm.runs if arm and arm.runs else 0.0

    def written(self) -> str:
        """One line of JSON."""
        arms = {name: arm.model_dump(mode="json", exclude={"decisions"}) for name, arm in self.arms.items()}
        found = self.regret.model_dump(mode="json") if self.regret else None
        best = self.best.name if self.best else None
        figures = {"stream": self.stream, "learner": self.learner, "metric": self.metric}
        return json.dumps(figures | {"best": best, "regret": found, "ratio": self.ratio, "arms": arms})


@dataclass(frozen=True)
class Asked:
    """How cells are run: arms side by side, passes of an update, long streams whole or thinned, all arms or two.

    *known*: the arms of earlier runs.
    """

    workers: int = 2
    epochs: int | None = None
    whole: bool = False
    quick: bool = False
    known: Mapping[Key, dict[str, ArmResult]] = field(default_factory=dict)


def spec_of(stream: Stream, learner: str, folder: Path, asked: Asked = Asked()) -> Spec:
    """The stream's spec with the family's build function, Ratoon's default policy, and its rows in *folder*."""
    spec = load_spec(stream.path(folder))
    assert spec.data.source is not None
    source = (spec.folder / spec.data.source).resolve()
    if not asked.whole:
        source = _thinned(source, folder / f"thin-{spec.model}.parquet")
    made = {"build": f"learners.py:{learner}_{spec.task}", "epochs": asked.epochs}
    changed = spec.model_copy(
        update={
            "policy": default_policy(spec.review),
            "gate": GateSpec(metric=spec.gate.metric),
            "data": spec.data.model_copy(update={"source": str(source)}),
            "learner": type(spec.learner).model_validate(made),
        }
    )
    changed._path = Path(__file__).with_name("economy.yaml")  # no file: `learners.py` is looked for beside it
    return changed


def _thinned(source: Path, thin: Path) -> Path:
    if not thin.exists():
        rows = pd.read_parquet(source)
        if len(rows) <= THIN:
            return source
        rows.iloc[::4].to_parquet(thin)
    return thin


def cells(wanted: Sequence[tuple[str, Stream, str]], folder: Path, asked: Asked) -> Iterator[Cell]:
    """Run every arm that is not known of the cells *wanted* (name, stream, learner); yield each cell as it is complete.

    The arms of all cells stand in one line, so that no worker waits for the last arm of a cell.
    """
    jobs: list[Job] = []
    of: dict[int, Key] = {}  # by the job itself: every cell has an arm of the same name
    arms: dict[Key, dict[str, ArmResult]] = {}
    asked_for: dict[Key, int] = {}
    metrics: dict[Key, str] = {}
    for name, stream, learner in wanted:
        key = (name, learner)
        spec = spec_of(stream, learner, folder, asked)
        arms[key], metrics[key] = dict(asked.known.get(key, {})), spec.metric
        new = _jobs(spec, stream, name, folder / f"{name}-{learner}", asked, set(arms[key]))
        asked_for[key] = len(arms[key]) + len(new)
        of |= {id(job): key for job in new}
        jobs += new
    for job, result in side_by_side(jobs, asked.workers, lambda *_: None):
        key = of[id(job)]
        arms[key][job.name] = result
        if len(arms[key]) == asked_for[key]:
            yield Cell(*key, metrics[key], arms.pop(key))


def _jobs(spec: Spec, stream: Stream, name: str, fits: Path, asked: Asked, known: set[str]) -> list[Job]:
    with open_source(spec) as source:
        planned = plan(source, name, None, None, stream.every or spec.monitors.every)
        spec = settled(spec, source, planned.start)
    ours = Job(OURS, spec, planned, decider=ByPolicy(), hindsight=False)
    left = [kind for kind in (("never",) if asked.quick else FIXED) if NAMES[kind] not in known]
    return [ours, *(Job(NAMES[kind], spec, planned, kind, fits=fits, hindsight=False) for kind in left)]


def show(found: Sequence[Cell], console: Console) -> None:
    """A row for each cell in two tables, quality and CPU, and what they come to."""
    quality = Table(title="Quality of the composite model, and the regret to the best fixed strategy, by stretch")
    cost = Table(title="CPU seconds: learning / all that the arm ran")
    kinds: tuple[Kind, ...] = ("never", "warm", "scratch_sliding", "scratch_all")
    short = ("never", "warm", "sliding", "all history")
    for table, more in ((quality, _REGRET), (cost, _COST)):
        for name in ("stream", "learner", *(short if table is quality else short[1:]), OURS, *more):
            table.add_column(name, no_wrap=True)
    for each in found:
        label = (f"{each.stream} ({each.metric})", each.learner)
        fixed = [each.arms.get(NAMES[kind]) for kind in kinds]
        quality.add_row(*label, *map(_value, fixed), _value(each.ours), *_regret(each))
        cost.add_row(*label, *map(_cpu, fixed[1:]), _cpu(each.ours), *_cost(each))
    console.print(quality)
    console.print(cost)
    console.print(summary(found), highlight=False)


_REGRET = ("best", "regret", "95% interval", "", "looks", "fired", "runs", "promoted", "hurt")
_COST = ("judging", "ratio to best", "learning to all history")


def _regret(each: Cell) -> tuple[str, ...]:
    ours, best, regret = each.ours, each.best, each.regret
    if best is None or regret is None:
        return ("–",) * len(_REGRET)
    return (
        best.name.removeprefix("schedule, ").removeprefix("scratch, "),
        f"{regret.value:+.4g}",
        f"{regret.low:+.3g} to {regret.high:+.3g}",
        _WORDS[regret.verdict],
        str(len(ours.steps) - 1),
        f"{ours.fired_share:.0%}",
        str(ours.runs),
        str(ours.promoted),
        str(ours.hurt),
    )


_WORDS = {"beats": "better", "loses_to": "WORSE", "cannot_tell": "not told"}


def _cost(each: Cell) -> tuple[str, ...]:
    full = each.arms.get(NAMES["scratch_all"])
    share = f"1/{full.cpu.learning / each.ours.cpu.learning:.0f}" if full and each.ours.cpu.learning > 0 else "–"
    return f"{each.ours.cpu.judging:.1f}", f"{each.ratio:.2f}" if each.ratio is not None else "–", share


def _value(arm: ArmResult | None) -> str:
    return f"{arm.quality.value:.4g}" if arm else "–"


def _cpu(arm: ArmResult | None) -> str:
    return f"{arm.cpu.learning:.1f} / {arm.cpu.total:.1f}" if arm else "–"


def summary(found: Sequence[Cell]) -> str:
    """How many cells meet which goal."""
    verdicts = [each.regret.verdict for each in found if each.regret]
    paying = [each for each in found if each.ratio is not None]
    dear = [each for each in paying if each.fit_seconds >= 1]
    judged = sum(each.ours.cpu.judging <= each.ours.cpu.learning for each in found)
    free = sum(each.best is not None and each.ratio is None for each in found)
    return "\n".join(
        [
            f"{len(found)} cells. Against the best fixed strategy: {verdicts.count('loses_to')} provably worse, "
            f"{verdicts.count('cannot_tell')} not told apart, {verdicts.count('beats')} better.",
            f"All CPU at most that strategy's: {sum((each.ratio or 0) <= 1 for each in paying)} of {len(paying)}"
            f" (it is never, which costs nothing, in {free} more).",
            f"All CPU at most a tenth of it where a fit takes a second or more: "
            f"{sum((each.ratio or 0) <= 0.1 for each in dear)} of {len(dear)}.",
            f"Judging at most learning: {judged} of {len(found)}. "
            f"Promoted: {sum(each.ours.promoted for each in found)}, of which hurt: "
            f"{sum(each.ours.hurt or 0 for each in found)}.",
        ]
    )


def read_cells(file: Path) -> list[Cell]:
    """The cells that `--json` wrote into *file*; a last line that was cut off is left out."""
    found = []
    for line in file.read_text().splitlines() if file.exists() else ():
        try:
            each = json.loads(line)
        except json.JSONDecodeError:  # the run was ended while it wrote
            continue
        arms = {name: ArmResult.model_validate(arm) for name, arm in each["arms"].items()}
        found.append(Cell(each["stream"], each["learner"], each["metric"], arms))
    return found


def append_cell(file: Path, cell: Cell) -> None:
    """Add the cell as one line; behind a line that was cut off it begins a new one."""
    cut = file.exists() and file.stat().st_size > 0 and not file.read_bytes().endswith(b"\n")
    with file.open("a", encoding="utf-8") as to:
        to.write(("\n" if cut else "") + cell.written() + "\n")


def main() -> None:
    """Run the cells that are not in the file yet, their arms side by side, and print all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=("tuning", "reporting"), help="left out: both")
    parser.add_argument("--only", help="streams by name, with commas between")
    parser.add_argument("--learners", help="families by name, with commas between")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, help="passes of an update by partial_fit, instead of the default")
    parser.add_argument("--whole", action="store_true", help="do not thin the long streams")
    parser.add_argument("--quick", action="store_true", help="never and Ratoon alone")
    parser.add_argument("--json", type=Path, help="write each cell to this file as it ends, and go on where it ends")
    parser.add_argument("--reuse", type=Path, nargs="+", default=[], help="earlier --json files: all but Ratoon's arm")
    given = parser.parse_args()
    half: Half | None = given.half
    streams = chosen(half, given.only)
    families = given.learners.split(",") if given.learners else list(LEARNERS)
    asked = Asked(given.workers, given.epochs, given.whole, given.quick, _earlier(given.reuse))
    done = [each for each in (read_cells(given.json) if given.json else ()) if each.stream in streams]
    done = [each for each in done if each.learner in families]
    console, err = Console(width=200), Console(stderr=True, width=200)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        known = {(each.stream, each.learner) for each in done}
        wanted = [(n, each, family) for n, each in streams.items() for family in families if (n, family) not in known]
        for cell in cells(wanted, Path(folder), asked):
            done.append(cell)
            if given.json:
                append_cell(given.json, cell)
            show([cell], err)
            print(f"{cell.stream} {cell.learner}: {time.monotonic() - began:.0f} s in all", file=sys.stderr, flush=True)
    show(sorted(done, key=lambda each: (list(streams).index(each.stream), families.index(each.learner))), console)


def _earlier(files: Sequence[Path]) -> dict[Key, dict[str, ArmResult]]:
    """Every arm of those runs but Ratoon's."""
    found: dict[Key, dict[str, ArmResult]] = {}
    for each in (cell for file in files for cell in read_cells(file)):
        found[each.stream, each.learner] = {name: arm for name, arm in each.arms.items() if name != OURS}
    return found


if __name__ == "__main__":
    main()
