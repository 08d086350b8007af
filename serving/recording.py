"""What was predicted and which labels came, on their way into the log: one commit serves all that wait."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from .errors import RequestError

_log = logging.getLogger("ratoon.serving")
Item = TypeVar("Item")
Found = TypeVar("Found")
MOST_AT_ONCE = 5_000  # items of one commit
_PAUSES = (0.1, 5.0)  # seconds until a write is tried again: at first, and at most


@dataclass(frozen=True)
class PredictedRow:
    """One row as it was served. *at* is naive UTC; *features* hold float, str and None."""

    row_id: str
    at: datetime
    version: str
    watermark: datetime
    arm: str
    features: Mapping[str, object]
    prediction: object
    score: float | None


@dataclass(frozen=True)
class LabelEvent:
    """A label as it came: *event_id* makes sending it again harmless."""

    event_id: str
    row_id: str
    value: object


class PredictionLog(Protocol):
    """The log, as serving needs it; durable when a method returns."""

    def append_predictions(self, model: str, rows: Sequence[PredictedRow]) -> None:
        """Keep rows; one whose id is there already stays as it was."""

    def append_labels(self, model: str, events: Sequence[LabelEvent]) -> Sequence[str]:
        """Keep labels; of each `accepted`, `repeated`, `correction` or `waiting`."""

    def close(self) -> None:
        """Nothing more comes."""


class Writer(Generic[Item, Found]):
    """Items of many requests, written by one thread: what waits while one commit goes on is in the next.

    *write* gives an answer for each item. At most *most* items wait. With *patient* a write that fails is tried again
    until it succeeds; else those who wait are told.
    """

    def __init__(
        self, write: Callable[[Sequence[Item]], Sequence[Found]], *, most: int, name: str, patient: bool = False
    ) -> None:
        self._write, self._most, self._patient = write, most, patient
        self._queue: deque[tuple[Sequence[Item], Future[list[Found]]]] = deque()
        self._size, self._stopping = 0, False
        self._changed = threading.Condition()
        self.dropped = self.written = self.failures = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Items that are not written yet."""
        return self._size

    def put(self, items: Sequence[Item]) -> Future[list[Found]] | None:
        """Hand items in; the future is done once they are durable. None, and counted, where there is no room."""
        with self._changed:
            if self._stopping or self._size + len(items) > self._most:
                self.dropped += len(items)
                return None
            done: Future[list[Found]] = Future()
            self._queue.append((items, done))
            self._size += len(items)
            self._changed.notify()
            return done

    async def write(self, items: Sequence[Item], seconds: float) -> list[Found]:
        """Hand items in and wait until they are durable.

        Raises RequestError (503) where there is no room, where the log cannot be written, or where it takes longer
        than *seconds*: then nobody knows, and the sender sends again.
        """
        done = self.put(items)
        if done is None:
            raise RequestError(503, "too much waits for the log: send it again later", retry_after=1)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(done), seconds)
        except TimeoutError:
            raise RequestError(503, "the log does not answer in time: send it again", retry_after=5) from None
        except RequestError:
            raise
        except Exception as error:
            raise RequestError(
                503, f"the log cannot be written ({type(error).__name__}): send it again later", retry_after=5
            ) from error

    def close(self, seconds: float) -> None:
        """Write what waits, for at most *seconds*, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(seconds)
        if self._size:
            _log.error("%d items were not written to the log before the end", self._size)

    def _run(self) -> None:
        pause = _PAUSES[0]
        while batch := self._next():
            items = [each for part, _ in batch for each in part]
            try:
                found = list(self._write(items))
            except Exception as error:  # whatever the store raises: the thread must live
                self.failures += 1
                if self.failures in (1, 10, 100) or self.failures % 1000 == 0:
                    _log.error("the log cannot be written: %s: %s", type(error).__name__, error)
                if self._patient and not self._stopping:
                    with self._changed:
                        self._queue.extendleft(reversed(batch))
                    time.sleep(pause)
                    pause = min(2 * pause, _PAUSES[1])
                    continue
                self._done(batch, len(items))
                for _, done in batch:
                    done.set_exception(error)
                if self._patient:
                    self.dropped += len(items)
                continue
            pause = _PAUSES[0]
            self.written += len(items)
            self._done(batch, len(items))
            at = 0
            for part, done in batch:
                done.set_result(found[at : at + len(part)])
                at += len(part)

    def _next(self) -> list[tuple[Sequence[Item], Future[list[Found]]]]:
        """What is written together; empty at the end."""
        with self._changed:
            while not self._queue and not self._stopping:
                self._changed.wait()
            batch: list[tuple[Sequence[Item], Future[list[Found]]]] = []
            size = 0
            while self._queue and (not batch or size + len(self._queue[0][0]) <= MOST_AT_ONCE):
                batch.append(self._queue.popleft())
                size += len(batch[-1][0])
            return batch

    def _done(self, batch: Sequence[object], items: int) -> None:
        with self._changed:
            self._size -= items
