"""The jobs of a backtest, side by side in processes of their own."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import Manager, get_context
from pathlib import Path

from ..loop.plan import Plan
from ..spec.model import Spec
from .arm import run_arm
from .deciders import Decider
from .results import ArmResult, Kind
from .scheduled import run_alone
from .summary import Tell

Messages = queue.Queue[tuple[str, int, int]]  # the same of each job, between processes
Heard = Callable[[str, int, int], None]  # the job's name, steps done, steps in all


@dataclass(frozen=True)
class Job:
    """One arm to be run, which can be pickled. Without *decider* it asks nobody; *fits* is where it shares them.

    Without *hindsight* no update is tried at looks that started none, so that no run can be called missed.
    """

    name: str
    spec: Spec
    plan: Plan
    kind: Kind = "policy"
    decider: Decider | None = None
    of: str | None = None
    fits: Path = Path()
    hindsight: bool = True


def carry_out(job: Job, tell: Tell) -> ArmResult:
    """Run the arm in this process."""
    if job.decider is None:
        return run_alone(job.spec, job.plan, job.kind, job.fits, tell, hindsight=job.hindsight)
    return run_arm(job.spec, job.plan, job.name, job.kind, job.decider, tell, of=job.of, hindsight=job.hindsight)


def side_by_side(jobs: Sequence[Job], workers: int, heard: Heard) -> Iterator[tuple[Job, ArmResult]]:
    """Yield each job with its result as it ends; with one worker in this process, else in *workers* of their own."""
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            yield job, carry_out(job, lambda done, total, name=job.name: heard(name, done, total))  # type: ignore[misc]
        return
    with Manager() as manager, ProcessPoolExecutor(workers, get_context("spawn"), _quiet_start) as pool:
        messages: Messages = manager.Queue()
        running: dict[Future[ArmResult], Job] = {pool.submit(_in_worker, job, messages): job for job in jobs}
        try:
            while running:
                ended, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                _listen(messages, heard)
                for future in ended:
                    yield running.pop(future), future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _quiet_start() -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _in_worker(job: Job, messages: Messages) -> ArmResult:
    return carry_out(job, lambda done, total: messages.put((job.name, done, total)))


def _listen(messages: Messages, heard: Heard) -> None:
    while True:
        try:
            name, done, total = messages.get_nowait()
        except queue.Empty:
            return
        heard(name, done, total)
