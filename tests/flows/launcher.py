"""Runs flows in processes that can be killed: a warm parent forks one child per job.

Started as a script by `processes.py`, which sends one line of JSON per call and reads one back. The parent
only imports (importing Prefect, MLflow and Evidently costs 8 CPU seconds, which each child is spared); every
child is a process of its own that runs a *real* flow against the Prefect server of PREFECT_API_URL.
A job may lay one mine: at a named function the child kills itself by SIGKILL, or waits for others. A mine that
is marked `apart` lies in the training's own process, where it kills the flow, and the training must follow.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

FLOWS = {
    "monitor": "ratoon.flows.monitor:monitor",
    "retrain": "ratoon.flows.retrain:retrain",
    "train": "ratoon.flows.train:train",
    "promote": "ratoon.flows.promote:promote",
    "roll_back": "ratoon.flows.promote:roll_back",
    "review": "ratoon.flows.review:review",
    "replay": "ratoon.flows.replay:replay",
}
TIMES = ("at", "start", "end")
WARM = (
    "evidently",
    "mlflow.sklearn",
    "ratoon.monitors.evidently.dashboard",
    "ratoon.monitors.evidently.pages",
    "sklearn.compose",
    "sklearn.linear_model",
    "skops.io",
)


def lay(mine: dict[str, Any]) -> None:
    """Wrap the function that `mine["at"]` (`package.module:name.name`) names, before or after which it goes off."""
    module, _, path = mine["at"].partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    real, number = getattr(owner, name), [0]

    def mined(*args: Any, **kwargs: Any) -> Any:
        number[0] += 1
        here = number[0] == mine.get("call", 1)
        if here and mine["when"] == "before":
            ACTIONS[mine["do"]](mine)
        result = real(*args, **kwargs)
        if here and mine["when"] == "after":
            ACTIONS[mine["do"]](mine)
        return result

    setattr(owner, name, mined)


def die(mine: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail(mine: dict[str, Any]) -> None:
    raise OSError("no space left on device")


def meet(mine: dict[str, Any]) -> None:
    """Go on when all others are here too: the moment of the race."""
    folder = Path(mine["folder"])
    (folder / str(os.getpid())).touch()
    _until(lambda: len(list(folder.iterdir())) >= mine["count"])


def wait(mine: dict[str, Any]) -> None:
    """Say that we are here, and go on when `go` appears in the folder."""
    (Path(mine["folder"]) / "here").touch()
    _until(lambda: (Path(mine["folder"]) / "go").exists())


def orphan(mine: dict[str, Any]) -> None:
    """Kill the flow whose training this is, and go on: whether this process ends too is not up to it."""
    Path(mine["pid"]).write_text(str(os.getpid()))
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


ACTIONS: dict[str, Callable[[dict[str, Any]], None]] = {
    "die": die,
    "fail": fail,
    "meet": meet,
    "wait": wait,
    "orphan": orphan,
}


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the others did not come")
        time.sleep(0.01)


def lay_apart(mine: dict[str, Any]) -> None:
    """Let every training process of this flow start through this file, which lays *mine* there."""
    from ratoon.models.subprocesses import bounded

    real = bounded.command

    def command(folder: Path) -> list[str]:
        python, flag, _, _, *rest = real(folder)
        return [python, flag, __file__, json.dumps(mine), *rest]

    bounded.command = command  # type: ignore[assignment]


def train_mined(mine: dict[str, Any], folder: Path) -> None:
    """What `python -m ratoon.models.subprocesses.worker` does, with a mine in its way."""
    from ratoon.models.subprocesses.worker import main

    lay(mine)
    main(folder)


def carry_out(job: dict[str, Any], answer: Path) -> None:
    """Run one job in this process and write what it returned or raised."""
    module, _, name = FLOWS[job["flow"]].partition(":")
    flow = getattr(importlib.import_module(module), name)
    arguments = {
        k: datetime.fromisoformat(v) if k in ("at", "start", "end") else v for k, v in job["arguments"].items()
    }
    for name, seconds in job.get("durations", {}).items():
        module, _, constant = name.partition(":")
        setattr(importlib.import_module(module), constant, timedelta(seconds=seconds))
    for mine in job["mines"]:
        (lay_apart if mine.get("apart") else lay)(mine)
    try:
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            result = flow(**arguments)
        said = {"result": result.model_dump(mode="json") if hasattr(result, "model_dump") else result}
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
    answer.write_text(json.dumps(said))
    answer.with_suffix(".modules").write_text("\n".join(sys.modules))


def learn_from(answer: Path) -> None:
    """Import what a child had to import, so that the next one is spared it too (a third of its CPU seconds)."""
    names = answer.with_suffix(".modules")
    for name in names.read_text().splitlines() if names.exists() else ():
        if name not in sys.modules:
            with suppress(Exception):  # some are made at run time, such as the project's own training code
                importlib.import_module(name)


def start(job: dict[str, Any], answer: Path) -> int:
    child = os.fork()
    if child:
        return child
    quiet = os.open(answer.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    carry_out(job, answer)
    os._exit(0)


def serve() -> None:
    """Answer each line with one line: {"started": pids} for a start, {"ended": …} for an end."""
    for module in (*WARM, *(each.partition(":")[0] for each in FLOWS.values())):
        importlib.import_module(module)
    for line in sys.stdin:
        asked = json.loads(line)
        if "job" in asked:
            said: dict[str, Any] = {"pid": start(asked["job"], Path(asked["answer"]))}
        else:
            _, status = os.waitpid(asked["pid"], 0)
            learn_from(Path(asked["answer"]))
            said = {"killed_by": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        train_mined(json.loads(sys.argv[1]), Path(sys.argv[2]))
    else:
        serve()
