"""One commit for many callers: a disk writes some hundred times a second, whatever each time holds.

Threads and asyncio tasks hand in rows and labels; one thread writes all that has come meanwhile in one transaction, and
tells each caller when it is on the disk.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from ..spec.errors import Unavailable
from .entries import WHOLE, LabelEvent, Prediction, Status
from .prepared import HandIn, prepared_labels, prepared_predictions

if TYPE_CHECKING:
    from .log import Log

_Waiter = Future[list[Status]] | asyncio.Future[list[Status]]
_Result = list[Status] | BaseException


class QueueFull(Unavailable):
    """More is handed in than the log's database takes; what was refused is not written."""


@dataclass(frozen=True, slots=True)
class _Handed:
    what: HandIn
    waiter: _Waiter | None  # None: nobody waits


class GroupCommit:
    """Writes to *log* what callers hand in, together. Close it, or use it in a `with`: what is queued is written then.

    At most *queued* rows and labels wait, of which *together* go into one commit. `predictions` and `labels` return a
    future for threads; `write_predictions` and `write_labels` are awaited in an event loop. All raise BadInput for
    what the log cannot hold, and QueueFull at once if too much waits; the futures raise Unavailable.
    `buffer_predictions` is for who does not wait: what is lost, for a full queue or a database that does not answer,
    is counted in `dropped`.
    """

    def __init__(self, log: Log, *, queued: int = 20_000, together: int = 2_000) -> None:
        self._log = log
        self._most, self._together = queued, together
        self._queue: deque[_Handed] = deque()
        self._size = 0
        self._wake = threading.Condition()
        self._idle = False
        self._closing = False
        self.dropped = 0
        self.commits = 0
        self._thread = threading.Thread(target=self._run, name="ratoon-log", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many rows and labels are queued now."""
        return self._size

    def predictions(self, model: str, rows: Sequence[Prediction], partition: str = WHOLE) -> Future[list[Status]]:
        """Hand in *rows*; the future is done when they are on the disk."""
        return self._handed(prepared_predictions(model, rows, partition))

    def labels(self, model: str, events: Sequence[LabelEvent], partition: str = WHOLE) -> Future[list[Status]]:
        """Hand in *events*; the future is done when they are on the disk."""
        return self._handed(prepared_labels(model, events, partition))

    async def write_predictions(self, model: str, rows: Sequence[Prediction], partition: str = WHOLE) -> list[Status]:
        """As `Log.append_predictions`, in an event loop."""
        return await self._awaited(prepared_predictions(model, rows, partition))

    async def write_labels(self, model: str, events: Sequence[LabelEvent], partition: str = WHOLE) -> list[Status]:
        """As `Log.append_labels`, in an event loop."""
        return await self._awaited(prepared_labels(model, events, partition))

    def buffer_predictions(self, model: str, rows: Sequence[Prediction], partition: str = WHOLE) -> bool:
        """Hand in *rows* and go on; False, and they are counted as dropped, if too much waits."""
        try:
            self._put(_Handed(prepared_predictions(model, rows, partition), None))
        except QueueFull:
            self._drop(len(rows))
            return False
        return True

    def close(self) -> None:
        """Write what is queued, and end. Nothing is taken any more."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def __enter__(self) -> GroupCommit:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _handed(self, what: HandIn) -> Future[list[Status]]:
        waiter: Future[list[Status]] = Future()
        self._put(_Handed(what, waiter))
        return waiter

    async def _awaited(self, what: HandIn) -> list[Status]:
        waiter: asyncio.Future[list[Status]] = asyncio.get_running_loop().create_future()
        self._put(_Handed(what, waiter))
        return await waiter

    def _put(self, handed: _Handed) -> None:
        with self._wake:
            if self._closing:
                raise Unavailable("the log is being closed; nothing was written. Send this again to another replica.")
            if self._size and self._size + len(handed.what) > self._most:
                raise QueueFull(
                    f"{self._size} rows and labels wait for the log already; nothing was written. Send this later."
                )
            self._queue.append(handed)
            self._size += len(handed.what)
            if self._idle:
                self._wake.notify()

    def _run(self) -> None:
        while batch := self._next():
            try:
                results: list[_Result] = list(self._log.append([each.what for each in batch]))
                self.commits += 1
            except Unavailable as error:
                results = [error] * len(batch)
            except Exception:
                results = [self._alone(each) for each in batch]
            self._tell(batch, results)

    def _next(self) -> list[_Handed]:
        """What is to be written next, as soon as there is something; nothing when this ends."""
        with self._wake:
            while not self._queue and not self._closing:
                self._idle = True
                self._wake.wait()
            self._idle = False
            batch: list[_Handed] = []
            size = 0
            while self._queue and (not batch or size + len(self._queue[0].what) <= self._together):
                batch.append(self._queue.popleft())
                size += len(batch[-1].what)
            self._size -= size
            return batch

    def _alone(self, handed: _Handed) -> _Result:
        """Written by itself: one that the database refuses must not take the others with it."""
        try:
            return self._log.append([handed.what])[0]
        except Exception as error:
            return error

    def _tell(self, batch: list[_Handed], results: list[_Result]) -> None:
        loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[list[Status]], _Result]]] = {}
        for handed, result in zip(batch, results, strict=True):
            waiter = handed.waiter
            if waiter is None:
                if isinstance(result, BaseException):
                    self._drop(len(handed.what))
            elif isinstance(waiter, Future):
                if waiter.set_running_or_notify_cancel():
                    _settle(waiter, result)
            else:
                loops.setdefault(waiter.get_loop(), []).append((waiter, result))
        for loop, told in loops.items():
            try:
                loop.call_soon_threadsafe(_settle_all, told)
            except RuntimeError:  # the loop was closed: nobody waits any more
                continue

    def _drop(self, rows: int) -> None:
        with self._wake:
            self.dropped += rows


def _settle_all(told: list[tuple[asyncio.Future[list[Status]], _Result]]) -> None:
    for waiter, result in told:
        if not waiter.done():
            _settle(waiter, result)


def _settle(waiter: _Waiter, result: _Result) -> None:
    if isinstance(result, BaseException):
        waiter.set_exception(result)
    else:
        waiter.set_result(result)
