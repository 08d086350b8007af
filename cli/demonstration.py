"""`ratoon demo`: the bike rentals through the live flows, beside what a schedule would have done."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from ..spec.errors import BadInput
from ..spec.load import load_spec
from ..spec.stores import stores_of

if TYPE_CHECKING:
    from ..flows.replay import Replayed

FILES = ("bike.yaml", "training.py", "bike_hourly.parquet", "DATA.md")
EVERY = "14d"
START = "2011-07-01T00:00:00"  # the first version learns the first half of 2011

out = Console()


def run_demo(folder: Path, as_json: bool) -> None:
    """Replay the demo in *folder* and print the table measured in this run.

    Raises BadInput where the folder holds something already.
    """
    spec_path = _copy_files(folder)
    spec = load_spec(spec_path)
    from .settings import settle_environment
    from .show import run_replay

    settle_environment(spec)
    if not as_json:
        out.print(f"Two years of hourly bike rentals, a model of early 2011, a look every {EVERY}.", highlight=False)
        out.print("Beside it, in a process of its own: retraining from scratch at each of these moments.\n")
    with _arms(spec_path) as arms:
        from datetime import datetime

        home = stores_of(spec).home
        replayed = run_replay(str(spec_path), EVERY, datetime.fromisoformat(START), None, home, quiet=as_json)
        scheduled = arms()
    if as_json:
        out.print_json(data={"ratoon": replayed.model_dump(mode="json"), "scheduled": scheduled})
        return
    _print_table(replayed, scheduled)
    _print_doors(replayed, home)


def _copy_files(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty; nothing was changed. Remove it, or choose another with --folder.")
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_bytes((files("ratoon.demo") / name).read_bytes())
    return (folder / "bike.yaml").resolve()


@contextmanager
def _arms(spec_path: Path) -> Iterator[Any]:
    """Run the scheduled arms beside; yields a function that waits for them and returns their results."""
    command = [sys.executable, "-m", "ratoon.demo.arms", str(spec_path), START, EVERY]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads})  # noqa: S603

    def wait() -> list[dict[str, Any]]:
        text, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(
                f"the scheduled arms ended with exit code {process.returncode}; their error stands above"
            )
        return [json.loads(line) for line in text.splitlines()]

    try:
        yield wait
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _print_table(replayed: Replayed, scheduled: list[dict[str, Any]]) -> None:
    table = Table(title=f"{replayed.composite.rows:,} rentals-hours, {replayed.start:%Y-%m-%d} to {replayed.end:%Y-%m-%d}",
                  title_justify="left")  # fmt: skip
    for column in ("", "MAE", "95% interval", "trainings", "rows trained on", "training CPU s"):
        table.add_column(column, justify="left" if not column else "right")

    def row(name: str, quality: Any, trainings: int, rows: int, cpu: float) -> None:
        table.add_row(name, f"{quality['value']:.1f}", f"{quality['low']:.1f}–{quality['high']:.1f}", str(trainings),
                      f"{rows:,}", f"{cpu:.2f}")  # fmt: skip

    row(
        "[bold green]Ratoon[/]",
        replayed.composite.model_dump(),
        replayed.trainings,
        replayed.rows_learned,
        replayed.cpu_seconds,
    )
    row("never retrained", replayed.never.model_dump(), 0, 0, 0.0)
    for arm in scheduled:
        row(f"scheduled, from scratch, {arm['arm']}", arm, arm["trainings"], arm["rows"], arm["cpu_seconds"])
    out.print(table)
    out.print("Every arm starts from the same first version, whose training is in no row of the table.")
    verdicts = ", ".join(f"{name} {count}" for name, count in replayed.verdicts.items())
    outcomes = ", ".join(f"{name} {count}" for name, count in replayed.outcomes.items())
    out.print(f"Ratoon looked {replayed.windows} times: {verdicts}. Of its trainings: {outcomes}.", highlight=False)


def _print_doors(replayed: Replayed, home: Path) -> None:
    """The commands that show what the demo left, each in its own terminal."""
    spec = load_spec(replayed.spec)
    stores = stores_of(spec)
    q = shlex.quote
    out.print("\n[bold]Look at what it left[/] (each command in a terminal of its own):")
    for what, command, page in (
        ("decisions", f"ratoon history {q(replayed.spec)}", ""),
        ("Prefect", f"PREFECT_HOME={q(os.environ.get('PREFECT_HOME', ''))} DO_NOT_TRACK=1 prefect server start", "http://127.0.0.1:4200"),
        ("MLflow", f"MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow server --backend-store-uri {q(stores.mlflow)} --port 5000 --workers 1", "http://127.0.0.1:5000"),
        ("Evidently", f"DO_NOT_TRACK=1 evidently ui --workspace {q(str(stores.workspace))} --port 8000", "http://127.0.0.1:8000"),
    ):  # fmt: skip
        out.print(f"  [bold]{what:<10}[/] {page}\n    {command}", highlight=False, soft_wrap=True)
