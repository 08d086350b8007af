"""Policies over real streams: does knowing when to learn beat learning as often at even distances?

    python benchmarks/policies.py [--half tuning|reporting] [--only elec2,bike] [--workers 2] [--json FILE]

For each stream of halves.py it prints Ratoon's default policy, ADWIN and Page-Hinkley on the champion's error
(River), and a plain threshold on the share of drifted columns; each beside a uniform schedule with as many runs, by
the same ladder and gate. `won`, `tied` and `lost` compare the two stretch by stretch: the mean difference of the
metric, weighted by rows, with a bootstrap interval over stretches. Every arm asks the monitors at each look and is
judged by the gate that the policy would be judged by at that moment; its CPU holds all of that. Needs the streams in
../shared/datasets, and the extra `river`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from halves import Half, chosen
from rich.console import Console
from rich.table import Table

from ratoon.backtest.backtest import run_backtest
from ratoon.backtest.compared import Difference, compared
from ratoon.backtest.results import Backtest
from ratoon.loop.turn import Turn
from ratoon.spec.keys.rules import default_policy
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec
from ratoon.spec.values import Decision, Signal


@dataclass
class OnError:
    """Fire when a River detector alarms on the champion's errors, row by row in the order of label arrival.

    Errors are 0 or 1 for classes; for regression the absolute error as a share of the first window's mean.
    """

    detector: str  # ADWIN or PageHinkley
    _state: dict[str, Any] = field(default_factory=dict, repr=False)

    def __call__(self, turn: Turn) -> tuple[Decision, Sequence[Signal]]:
        if "detector" not in self._state:
            self._state |= {"detector": self._new(), "until": turn.champion.trained.state.watermark}
        since: datetime = self._state["until"]
        rows = pd.concat([turn.view.learned(turn.now, since), turn.view.holdout(since)])
        self._state["until"] = turn.now
        alarms = [self._update(error) for error in self._errors(turn, rows.sort_values(["_label_time", "_id"]))]
        if not any(alarms):
            return turn.forced("hold", f"{self.detector} is quiet.", self.detector), ()
        self._state["detector"] = self._new()
        return turn.forced("warm_start", f"{self.detector} alarmed on the error.", self.detector), ()

    def _new(self) -> Any:
        from river import drift

        return getattr(drift, self.detector)()

    def _update(self, error: float) -> bool:
        self._state["detector"].update(error)
        return bool(self._state["detector"].drift_detected)

    def _errors(self, turn: Turn, rows: pd.DataFrame) -> np.ndarray:
        if rows.empty:
            return np.empty(0)
        outcomes = turn.champion.trained.predict(rows)
        if turn.context.spec.task != "regression":
            return (outcomes.target != outcomes.prediction).astype(float)
        errors = np.abs(outcomes.target - outcomes.prediction).astype(float)
        self._state.setdefault("scale", float(errors.mean()) or 1.0)
        return errors / self._state["scale"]


@dataclass
class OnDrift:
    """Fire when the share of drifted columns passes the spec's threshold, and look at nothing else."""

    def __call__(self, turn: Turn) -> tuple[Decision, Sequence[Signal]]:
        share = next((s for s in turn.signals if s.metric == "drift_share"), None)
        if share is None or share.status != "fail":
            return turn.forced("hold", "drift share: below the threshold.", "drift share"), ()
        return turn.forced("warm_start", "drift share: at or above the threshold.", "drift share"), ()


OTHERS = {"ADWIN on error": OnError("ADWIN"), "Page-Hinkley on error": OnError("PageHinkley"), "drift share": OnDrift()}


def default_of(path: Path) -> Spec:
    """The stream's spec with Ratoon's default policy."""
    spec = load_spec(path)
    changed = spec.model_copy(update={"policy": default_policy(spec.review)})
    changed._path = spec.path
    return changed


_WORDS = {"beats": "won", "loses_to": "lost", "cannot_tell": "tied"}


def told(found: Difference) -> str:
    """`won +0.0123`, `tied` or `lost`, by the interval over the stretches."""
    return f"{_WORDS[found.verdict]} {found.value:+.4g}"


def show(found: dict[str, Backtest], seconds: dict[str, float], console: Console) -> None:
    """One block of rows for each stream."""
    table = Table(title="Each policy beside a uniform schedule with as many runs")
    for name in (
        "stream",
        "policy",
        "metric",
        "95% interval",
        "runs",
        "uniform",
        "against uniform",
        "fired",
        "false",
        "missed",
        "learning CPU s",
        "all CPU s",
    ):
        table.add_column(name, no_wrap=True)
    for stream, each in found.items():
        arms = {arm.name: arm for arm in each.arms}
        for name in ("policy", *OTHERS, "never", "schedule, warm"):
            arm = arms[name]
            uniform = arms.get(f"uniform, as many as {name}")
            table.add_row(
                f"{stream} ({each.metric}, {each.looks})" if name == "policy" else "",
                "Ratoon's default" if name == "policy" else name,
                f"{arm.quality.value:.4g}",
                f"{arm.quality.low:.4g} – {arm.quality.high:.4g}",
                str(arm.runs),
                f"{uniform.quality.value:.4g}" if uniform else "",
                told(compared(each.greater_is_better, arm, uniform))
                if uniform
                else "no run"
                if name in ("policy", *OTHERS)
                else "",
                f"{arm.fired_share:.0%}",
                str(arm.false_runs),
                str(arm.missed_runs),
                f"{arm.cpu.learning:.2f}",
                f"{arm.cpu.total:.2f}",
            )
        table.add_section()
    console.print(table)
    for stream, each in found.items():
        console.print(f"{stream}: {seconds[stream]:.0f} s for {len(each.arms)} arms", style="dim")


def main() -> None:
    """Run the streams one after the other, their arms side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=("tuning", "reporting"), help="left out: both")
    parser.add_argument("--only", help="streams by name, with commas between")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--fresh", action="store_true", help="do not use results kept from earlier runs")
    asked = parser.parse_args()
    half: Half | None = asked.half
    found: dict[str, Backtest] = {}
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, stream in chosen(half, asked.only).items():
            began = time.monotonic()
            print(f"{name} …", file=sys.stderr, flush=True)
            found[name] = run_backtest(
                default_of(stream.path(Path(folder))),
                others=OTHERS,
                every=stream.every,
                workers=asked.workers,
                scratch=False,
                fresh=asked.fresh,
            )
            seconds[name] = time.monotonic() - began
            show({name: found[name]}, seconds, Console(stderr=True, width=160))
    show(found, seconds, Console(width=160))
    if asked.json:
        short = {"arms": {"__all__": {"decisions", "steps"}}}
        figures = {name: each.model_dump(mode="json", exclude=short) for name, each in found.items()}
        asked.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
