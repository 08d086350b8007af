"""What runs inside the bounded process; started by bounded.py as

    python -P -m ratoon.models.subprocesses.worker FOLDER

It takes the job from the folder, keeps to its limits, leaves result or error there, and dies with its parent: what
it asks goes out by its standard output, answers come in by its standard input.
"""

from __future__ import annotations

import faulthandler
import math
import os
import pickle
import queue
import shutil
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ...system.processes import kill_with_children
from ..estimators import Predictor
from . import bounded
from .limits import Limits
from .remote import HANDED, RemoteEstimator
from .user_files import unpickled

Question = TypeVar("Question", covariant=True)
Answer = TypeVar("Answer", contravariant=True)
Result = TypeVar("Result", covariant=True)

SPARE = 60  # CPU seconds beyond the wall time, after which the system ends a process that nobody watches any more


class Job(Protocol[Question, Answer, Result]):
    """What can be carried out in a bounded process; it is pickled, and so is what it returns."""

    def __call__(self, ask: Callable[[Question], Answer]) -> tuple[Result, object]:
        """The result, and an estimator to hand over beside it (None: none). *ask* asks the parent for something."""


class _Channel:
    """The line to the parent: questions and answers; when it breaks, the parent is dead and so are we.

    What the job itself reads and prints is kept off it: it has nothing to read, and prints to the error stream.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._answers, self._questions = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
        with open(os.devnull) as nothing:  # noqa: PTH123 - no path
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        self._numbers: queue.Queue[str] = queue.Queue()
        self._asked = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._answers:
            self._numbers.put(line.strip())
        shutil.rmtree(self._folder, ignore_errors=True)
        kill_with_children(os.getpid())

    def ask(self, what: object) -> Any:
        """The parent's answer."""
        self._asked += 1
        (self._folder / f"ask-{self._asked}.pkl").write_bytes(pickle.dumps(what))
        self._questions.write(f"{self._asked}\n")
        self._questions.flush()
        number = self._numbers.get()
        return pickle.loads((self._folder / f"answer-{number}.pkl").read_bytes())  # noqa: S301  # our parent's


def limit(limits: Limits) -> None:
    """Bound this process: memory by RLIMIT_DATA, CPU as a backstop.

    Elsewhere than on Linux the parent looks at the memory, since no limit of the system holds; Windows has neither.
    RLIMIT_AS would count what BLAS, Arrow and torch only reserve.
    """
    if sys.platform == "win32":
        return
    import resource

    most = math.ceil(limits.wall.total_seconds()) * limits.threads + SPARE
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    if limits.memory is not None and bounded.KERNEL_LIMITS_MEMORY:
        with suppress(ValueError):  # a lower limit is in force already
            resource.setrlimit(resource.RLIMIT_DATA, (limits.memory, limits.memory))


def tidy_path() -> None:
    """Take the working folder and Ratoon's own rooms off the path: a `models` found there is not the version's."""
    taken = {str(Path(__file__).resolve().parents[2]), str(Path.cwd()), ""}
    sys.path[:] = [each for each in sys.path if each not in taken and str(Path(each).resolve()) not in taken]


def here(estimator: Predictor) -> Predictor:
    """*estimator*, or what it stands for: the version that carries code, loaded in this process with that code."""
    return estimator.here() if isinstance(estimator, RemoteEstimator) else estimator


def main(folder: Path) -> None:
    """Carry the job out; the exit code is 0 where it left a result, 1 where it left an error."""
    faulthandler.enable()
    tidy_path()
    channel = _Channel(folder)
    try:
        spec, limits = unpickled(folder / bounded.SPEC)
        limit(limits)
        result, estimator = unpickled(folder / bounded.JOB, spec)(channel.ask)
        if estimator is not None:
            (folder / HANDED).write_bytes(pickle.dumps(estimator))
        (folder / bounded.RESULT).write_bytes(pickle.dumps(result))
    except BaseException as error:
        kind = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
        said = pickle.dumps((kind, str(error) or kind, traceback.format_exc()))
        (folder / bounded.ERROR).write_bytes(said)
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
