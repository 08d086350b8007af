"""A job in a process of its own, with limits on threads, memory and time; see worker.py for its other end.

The two talk through files in a private temporary folder (mode 700), so that pickling is safe: nothing in it is
stored, and nobody else can write it. A job that is killed, hangs, crashes or runs out of memory leaves nothing
behind: its folder goes, and so does every process that it started.
"""

from __future__ import annotations

import os
import pickle
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from ...spec import errors
from ...spec.duration import format_duration
from ...spec.errors import RatoonError, TrainingDied
from ...spec.model import Spec
from ...spec.size import format_size
from ...system.processes import kill_with_children
from ...system.usage import Meter
from .digests import Checked
from .folders import locked_folder, sweep
from .limits import Limits
from .remote import HANDED as ESTIMATOR
from .remote import RemoteEstimator
from .used import Used
from .user_files import unpickled

if TYPE_CHECKING:  # which imports this file
    from .worker import Job

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Result = TypeVar("Result")

SPEC, JOB, RESULT, ERROR = "spec.pkl", "job.pkl", "result.pkl", "error.pkl"
OUTPUT = "output.txt"
LOOK = 0.05  # seconds between two looks at the clock and at the memory
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB", "BLIS")
UNHARMED = "Nothing was registered, and the champion serves as before"
HERE = "`learner.limits: {apart: false}` trains in this process"
NEAR = 0.6  # of the memory limit: a crash above it is put down to memory
KERNEL_LIMITS_MEMORY = sys.platform == "linux"  # elsewhere the parent ends a process that holds too much


@dataclass
class Done(Generic[Result]):
    """What came back: the job's *result*, the file of the estimator in *folder* if it made one, and what it used."""

    result: Result
    used: Used
    folder: Path
    spec: Spec = field(repr=False)

    def estimator(self, code: Path | None = None, checked: Checked | None = None) -> Any:
        """The estimator that the job made, in this process; the build file's own classes included.

        Where it is made of *code* that a version carries, what comes back only stands for it; *checked* are the
        version's files.
        """
        if code is None:
            return _back(self.folder / ESTIMATOR, self.spec, self.used)
        kept = Path(tempfile.mkdtemp(prefix="ratoon-handed-"))
        shutil.move(self.folder / ESTIMATOR, kept / ESTIMATOR)
        standing = RemoteEstimator(kept, self.spec.learner.types_allowed, code, checked)
        weakref.finalize(standing, shutil.rmtree, kept, ignore_errors=True)
        return standing


@contextmanager
def carried_out(
    job: Job[Question, Answer, Result],
    spec: Spec,
    limits: Limits,
    answer: Callable[[Question], Answer] | None = None,
) -> Iterator[Done[Result]]:
    """Run *job* (see worker.Job) in a process of its own; its files are there until the block ends.

    *answer* gives what the job asks for on its way, such as rows that it may or may not need: the time that this
    takes does not count. Raises what the job raised, if that is one of Ratoon's errors; TrainingDied, with what
    was used until then, where it raised anything else, took more than it may, or was killed.
    """
    sweep()
    folder, lock = locked_folder()
    try:
        (folder / SPEC).write_bytes(pickle.dumps((spec, limits)))
        (folder / JOB).write_bytes(_handed(job))
        ended = _run(folder, limits, answer or _nothing)
        _pass_on(folder / OUTPUT)
        _raise_for(folder, ended, limits)
        yield Done(_back(folder / RESULT, spec, ended.used), ended.used, folder, spec)
    finally:
        if sys.platform == "win32":  # which removes no file that is open
            lock.release()
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _nothing(asked: object) -> None:
    """The answer to a job that does not ask."""


def _handed(job: object) -> bytes:
    try:
        return pickle.dumps(job)
    except Exception as error:  # an estimator's own __reduce__ raises what it likes
        raise TrainingDied(
            f"the model cannot be handed to a training process: {type(error).__name__}: {error}. {UNHARMED}; {HERE}"
        ) from error


def _back(file: Path, spec: Spec, used: Used) -> Any:
    try:
        return unpickled(file, spec)
    except Exception as error:
        raise TrainingDied(
            f"what the training process made cannot be read back: {type(error).__name__}: {error}. {UNHARMED}; {HERE}",
            cpu_seconds=used.cpu_seconds,
            peak_memory_bytes=used.peak_memory_bytes,
        ) from error


def command(folder: Path) -> list[str]:
    """How the process is started. -P: the working folder must not offer its own `models` to anyone's code."""
    return [sys.executable, "-P", "-m", "ratoon.models.subprocesses.worker", str(folder)]


@dataclass(frozen=True)
class _Ended:
    """How the process ended: exit *status* (negative: a signal), what it used, and for what it was *killed* here."""

    status: int
    used: Used
    killed: Literal["time", "memory"] | None = None


def _run(folder: Path, limits: Limits, answer: Callable[[Question], object]) -> _Ended:
    """Start the process and wait for its end."""
    with (folder / OUTPUT).open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module, no shell
            command(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env={**os.environ, **_environment(limits)},
            start_new_session=True,  # a process group of its own, which is killed as a whole
        )
    try:
        return _watched(process, folder, limits, answer)
    finally:
        if process.returncode is None:
            kill_with_children(process.pid)
            process.wait()
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()


def _watched(
    process: subprocess.Popen[bytes], folder: Path, limits: Limits, answer: Callable[[Question], object]
) -> _Ended:
    end, meter = time.monotonic() + limits.wall.total_seconds(), Meter(process)
    asked, killed = _listening(process), None
    while True:
        try:
            number = asked.get(timeout=LOOK)
        except queue.Empty:
            number = None
        if meter.has_ended():
            kill_with_children(process.pid)  # what it had started
            used = Used(cpu_seconds=meter.cpu_seconds, peak_memory_bytes=meter.peak_memory)
            return _Ended(process.returncode, used, killed)
        if number is not None:
            asked_at = time.monotonic()
            reply = answer(pickle.loads((folder / f"ask-{number}.pkl").read_bytes()))  # noqa: S301  # our own
            (folder / f"answer-{number}.pkl").write_bytes(pickle.dumps(reply))
            _send(process, number)
            end += time.monotonic() - asked_at
        if killed is None:
            killed = _beyond(limits, end, meter)
            if killed is not None:
                kill_with_children(process.pid)


def _beyond(limits: Limits, end: float, meter: Meter) -> Literal["time", "memory"] | None:
    """What the process takes more of than it may."""
    if time.monotonic() > end:
        return "time"
    too_much = limits.memory is not None and not KERNEL_LIMITS_MEMORY and (meter.peak_memory or 0) > limits.memory
    return "memory" if too_much else None


def _listening(process: subprocess.Popen[bytes]) -> queue.Queue[str]:
    """The numbers of the questions that the process asks, as they come."""
    asked: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        if process.stdout is None:
            return
        # Closed here: whoever else closed it would wait for what is read, as long as anything holds its other end.
        with suppress(ValueError, OSError), process.stdout as lines:
            for line in lines:
                number = line.strip()
                if number.isdigit():  # else printed by what Python itself loads, before the worker has the channel
                    asked.put(number.decode())

    threading.Thread(target=listen, daemon=True).start()
    return asked


def _send(process: subprocess.Popen[bytes], number: str) -> None:
    if process.stdin is not None:
        with suppress(OSError):  # it has ended: the next look finds that
            process.stdin.write(f"{number}\n".encode())
            process.stdin.flush()


def _environment(limits: Limits) -> Mapping[str, str]:
    """Thread limits, which the libraries read when they are imported."""
    found = {f"{name}_NUM_THREADS": str(limits.threads) for name in THREADS}
    return {**found, "LOKY_MAX_CPU_COUNT": str(limits.threads)}


def _raise_for(folder: Path, ended: _Ended, limits: Limits) -> None:
    """Raise what the end of the process means; return if it ended well."""
    status, used = ended.status, ended.used
    if status == 0 and (folder / RESULT).exists():
        return
    if ended.killed == "time":
        raise _died(f"killed after {format_duration(limits.wall)} of wall time ({limits.named})", used)
    if ended.killed == "memory":
        raise _died(f"killed: out of memory{_memory(limits, used)}", used)
    known = folder / ERROR
    if known.exists():
        kind, message, trace = pickle.loads(known.read_bytes())  # noqa: S301  # our own file
        own = getattr(errors, kind, None)
        if isinstance(own, type) and issubclass(own, RatoonError):
            raise own(message)
        what = f"out of memory{_memory(limits, used)}" if kind == "MemoryError" else kind
        error = _died(f"{what}: {message}", used)
        error.add_note(trace)
        raise error
    how = f"signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"exit code {status}"
    last = (folder / OUTPUT).read_text(errors="replace").strip().splitlines()[-1:]
    said = f"; the last it said: {last[0][:300]}" if last else ""
    if status < 0 and signal.Signals(-status).name == "SIGKILL":
        raise _died(f"killed by {how}: by a person, or by the system when it ran out of memory", used)
    if limits.memory and (used.peak_memory_bytes or 0) > NEAR * limits.memory:
        raise _died(f"ended by {how}, probably out of memory{_memory(limits, used)}{said}", used)
    raise _died(f"ended by {how}{said}", used)


def _died(how: str, used: Used) -> TrainingDied:
    return TrainingDied(
        f"training failed: {how}. {UNHARMED}",
        cpu_seconds=used.cpu_seconds,
        peak_memory_bytes=used.peak_memory_bytes,
    )


def _memory(limits: Limits, used: Used) -> str:
    limit = (
        f"learner.limits.memory: {format_size(limits.memory)}" if limits.memory else "no learner.limits.memory is set"
    )
    seen = f", peak seen {format_size(used.peak_memory_bytes)}" if used.peak_memory_bytes else ""
    return f" ({limit}{seen})"


def _pass_on(output: Path) -> None:
    """What the training printed, warnings included, to standard error."""
    if text := output.read_text(errors="replace"):
        sys.stderr.write(text)
