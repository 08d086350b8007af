"""`ratoon demo`: a made stream of orders through the live flows, beside what a schedule would have done."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ...demo.arms import ArmResult
from ...demo.stream import CHANGE, DAYS, orders
from ...spec.errors import BadInput
from ...spec.load import load_spec
from ...spec.stores import stores_of
from ..settings import settle_environment
from ..terminal import Terminal, marked
from ..views.replays import add_arm, comparison, run_replay, what_happened

if TYPE_CHECKING:
    from ...flows.replay import Replayed

FILES = ("orders.yaml", "training.py", "stream.py")
EVERY = "10d"
START = "2025-03-02T00:00:00"  # the first version learns sixty days

out = Terminal()


def run_demo(folder: Path, as_json: bool) -> None:
    """Replay the demo in *folder* and print the table measured in this run.

    Raises BadInput where the folder holds something already.
    """
    spec_path = _copy_files(folder)
    spec = load_spec(spec_path)
    settle_environment(spec)
    if not as_json:
        out.print(
            f"{DAYS} days of orders, a model of the first sixty, a change on day {CHANGE}, "
            f"an evaluation every {EVERY}.",
            highlight=False,
        )
        out.print("Beside it, in a process of its own: retraining from scratch at each of these moments.\n")
    began = _cpu_seconds()
    with _arms(spec_path) as arms:
        home = stores_of(spec).home
        replayed = run_replay(str(spec_path), EVERY, datetime.fromisoformat(START), None, home, quiet=as_json)
        ours = _cpu_seconds() - began  # the other process counts once it has ended
        scheduled = arms()
        theirs = _cpu_seconds() - began - ours
    if as_json:
        out.print_json(
            data={
                "ratoon": replayed.model_dump(mode="json"),
                "scheduled": [asdict(arm) for arm in scheduled],
                "all_cpu_seconds": {"ratoon": ours, "scheduled": theirs},
            }
        )
        return
    _print_table(replayed, scheduled)
    out.print(
        f"All CPU, imports and evaluations included: {ours:.0f} s for Ratoon's {replayed.windows} evaluations, "
        f"{theirs:.0f} s for the scheduled arms.",
        highlight=False,
    )
    _print_doors(replayed)


def _cpu_seconds() -> float:
    """CPU time of this process and of those that it waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _copy_files(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty; nothing was changed. Remove it, or choose another with --folder.")
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_bytes((files("ratoon.demo") / name).read_bytes())
    orders().to_parquet(folder / "orders.parquet", index=False)
    return (folder / "orders.yaml").resolve()


@contextmanager
def _arms(spec_path: Path) -> Iterator[Callable[[], list[ArmResult]]]:
    """Run the scheduled arms beside; yields a function that waits for them and returns their results."""
    command = [sys.executable, "-m", "ratoon.demo.arms", str(spec_path), START, EVERY]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads})  # noqa: S603  # no shell

    def wait() -> list[ArmResult]:
        text, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(
                f"the scheduled arms ended with exit code {process.returncode}; their error stands above"
            )
        return [ArmResult(**json.loads(line)) for line in text.splitlines()]

    try:
        yield wait
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _print_table(replayed: Replayed, scheduled: list[ArmResult]) -> None:
    span = f"{replayed.start:%Y-%m-%d} to {replayed.end:%Y-%m-%d}"
    out.print(marked("[bold]{} orders[/], {}", f"{replayed.composite.rows:,}", span), highlight=False)
    table = comparison(replayed.metric)
    name = marked("[bold green]Ratoon[/]")
    add_arm(table, name, replayed.composite, replayed.trainings, replayed.rows_learned, replayed.cpu_seconds)
    add_arm(table, "never retrained", replayed.never, 0, 0, 0.0)
    for arm in scheduled:
        add_arm(table, f"scheduled, {arm.arm}", arm, arm.trainings, arm.rows, arm.cpu_seconds)
    out.print(table)
    out.print(
        "rows: learned, over all trainings, in the background too. CPU s: Ratoon's of learning, judging and reading "
        "for both, the scheduled arms' of fitting alone; the shared first version left out."
    )
    out.print("scheduled: from scratch at each of these moments, on the newest sixty days or on all history.")
    what_happened(replayed)


def _print_doors(replayed: Replayed) -> None:
    """The commands that show what the demo left, each in its own terminal."""
    stores = stores_of(load_spec(replayed.spec))
    mlflow = (
        "MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false "
        f"mlflow server --backend-store-uri {shlex.quote(stores.mlflow)} --port 5000 --workers 1"
    )
    evidently = f"DO_NOT_TRACK=1 evidently ui --workspace {shlex.quote(str(stores.workspace))} --port 8000"
    out.print(marked("\n[bold]Look at what it left[/], each command in a terminal of its own:"))
    for what, command, page in (
        ("Decisions", f"ratoon history {shlex.quote(replayed.spec)}", "with the reasons of each"),
        ("MLflow", mlflow, f"http://127.0.0.1:5000/#/models/{replayed.model}: the versions"),
        ("Evidently", evidently, "http://127.0.0.1:8000: the windows"),
    ):
        out.print(marked("  [bold]{}[/], {}\n    {}", what, page, command), highlight=False, soft_wrap=True)
