"""A job in a process of its own, with limits on threads, memory and time; see inside.py for its other end.

The two talk through files in a private temporary folder (mode 700), so that pickling is safe: nothing in it is
stored, and nobody else can write it. A job that is killed, hangs, crashes or runs out of memory leaves nothing
behind: its folder goes, and so does every process that it started.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ...spec import errors
from ...spec.duration import format_duration
from ...spec.errors import RatoonError, TrainingDied
from ...spec.model import Spec
from ...spec.size import format_size
from .digests import Checked
from .remote import HANDED as ESTIMATOR
from .remote import Isolated
from .used import Used, peak_memory
from .user_files import unpickled

PREFIX, LOCK = "ratoon-training-", "lock"
SPEC, JOB, RESULT, ERROR = "spec.pkl", "job.pkl", "result.pkl", "error.pkl"
OUTPUT = "output.txt"
LOOK = 0.05  # seconds between two looks at the clock and at the memory
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB", "BLIS")
UNHARMED = "Nothing was registered, and the champion serves as before"
HERE = "`learner.limits: {apart: false}` trains in this process"
NEAR = 0.6  # of the memory limit: a crash above it is put down to memory


@dataclass(frozen=True)
class Limits:
    """What one job may take, and the name of what limits its time."""

    wall: timedelta
    threads: int = 1
    memory: int | None = None  # bytes of private writable memory (RLIMIT_DATA)
    named: str = "learner.limits.wall"

    @classmethod
    def of(cls, spec: Spec) -> Limits:
        """As the spec says; a training never outlives the moment at which its flight is given up."""
        own = spec.learner.limits
        if spec.abandon_after < own.wall:
            return cls(spec.abandon_after, spec.learner.threads, own.memory, "abandon_after")
        return cls(own.wall, spec.learner.threads, own.memory)


@dataclass
class Done:
    """What came back: the job's *result*, the file of the estimator in *folder* if it made one, and what it used."""

    result: Any
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
        standing = Isolated(kept, self.spec.learner.types_allowed, code, checked)
        weakref.finalize(standing, shutil.rmtree, kept, ignore_errors=True)
        return standing


@contextmanager
def carried_out(
    job: Any, spec: Spec, limits: Limits, answer: Callable[[Any], Any] = lambda asked: None
) -> Iterator[Done]:
    """Run *job* (see inside.Job) in a process of its own; its files are there until the block ends.

    *answer* gives what the job asks for on its way, such as rows that it may or may not need: the time that this
    takes does not count. Raises what the job raised, if that is one of Ratoon's errors; TrainingDied, with what
    was used until then, where it raised anything else, took more than it may, or was killed.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with _held(folder):
            (folder / SPEC).write_bytes(pickle.dumps((spec, limits)))
            (folder / JOB).write_bytes(_handed(job))
            status, used, late = _run(folder, limits, answer)
            _pass_on(folder / OUTPUT)
            _raise_for(folder, status, used, limits, late)
            yield Done(_back(folder / RESULT, spec, used), used, folder, spec)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _handed(job: Any) -> bytes:
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


def _run(folder: Path, limits: Limits, answer: Callable[[Any], Any]) -> tuple[int, Used, bool]:
    """Start the process and wait for its end: its exit status (negative: a signal), what it used, whether late."""
    ours, theirs = socket.socketpair()
    with ours, (folder / OUTPUT).open("wb") as output:
        with theirs:
            process = subprocess.Popen(  # noqa: S603  # our own interpreter and module, no shell
                [*command(folder), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **_environment(limits)},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # a process group of its own, which is killed as a whole
            )
        try:
            return _watched(process, ours, folder, limits, answer)
        finally:
            if process.returncode is None:
                _kill(process)
                os.wait4(process.pid, 0)
                process.returncode = -signal.SIGKILL


def _watched(
    process: subprocess.Popen[bytes],
    channel: socket.socket,
    folder: Path,
    limits: Limits,
    answer: Callable[[Any], Any],
) -> tuple[int, Used, bool]:
    end, peak, late, listening = time.monotonic() + limits.wall.total_seconds(), None, False, True
    while True:
        ready, _, _ = select.select([channel] if listening else [], [], [], LOOK)
        peak = max(peak or 0, peak_memory(process.pid) or 0) or None
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            _kill(process)  # what it had started
            return process.returncode, Used(cpu_seconds=usage.ru_utime + usage.ru_stime, peak_memory_bytes=peak), late
        if ready:
            number = channel.recv(64).decode().strip()
            listening = bool(number)  # nothing: it closed its end, and is about to end
            if number:
                asked_at = time.monotonic()
                reply = answer(pickle.loads((folder / f"ask-{number}.pkl").read_bytes()))  # noqa: S301  # our own
                (folder / f"answer-{number}.pkl").write_bytes(pickle.dumps(reply))
                with suppress(BrokenPipeError):
                    channel.sendall(f"{number}\n".encode())
                end += time.monotonic() - asked_at
        if time.monotonic() > end and not late:
            late = True
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment(limits: Limits) -> Mapping[str, str]:
    """Thread limits, which the libraries read when they are imported."""
    found = {f"{name}_NUM_THREADS": str(limits.threads) for name in THREADS}
    return {**found, "LOKY_MAX_CPU_COUNT": str(limits.threads)}


def _raise_for(folder: Path, status: int, used: Used, limits: Limits, late: bool) -> None:
    """Raise what the end of the process means; return where it ended well."""
    if status == 0 and (folder / RESULT).exists():
        return
    if late:
        raise _died(f"killed after {format_duration(limits.wall)} of wall time ({limits.named})", used)
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
    if status == -signal.SIGKILL:
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


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Lock *folder* for as long as this process lives; the lock is in place before it has its name."""
    with (folder / "locking").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "locking").rename(folder / LOCK)
        yield


def _sweep() -> None:
    """Remove the folders of trainings whose flow was killed together with them: nobody holds their lock.

    Only this user's: in a temp folder that users share, somebody may have put a link or a pipe under such a name.
    """
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError):
            if lock.parent.is_symlink() or lock.parent.stat().st_uid != os.geteuid():
                continue
        with suppress(OSError), lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
