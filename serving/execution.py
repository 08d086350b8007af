"""Where predictions run: at once if they are quick, else in the one thread for them, so that health is answered."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from ..spec.errors import Refused, Unavailable
from .protocol.errors import RequestError
from .versions.apart import Apart
from .versions.prepared import Answer, Prepared

QUICK = 0.005  # seconds that the event loop may be held
_FORGETS = 0.1  # share of the newest measurement in the running mean


class Execution:
    """One prediction at a time for each replica: a CPU is not faster for two, and estimators need no locks.

    At most *waiting* requests wait, each at most *seconds*.
    """

    def __init__(self, *, waiting: int, seconds: float) -> None:
        self._most, self._seconds = waiting, seconds
        self._busy = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ratoon-predict")
        self._waiting = 0
        self._cost: dict[str, tuple[float, float]] = {}  # by version: seconds of a call, and of a row

    @property
    def waiting(self) -> int:
        """Requests that wait, or are predicted in the thread."""
        return self._waiting

    async def run(self, version: Prepared, X: pd.DataFrame) -> Answer:
        """What *version* says of X, shape (n, k).

        Raises RequestError: 503 where too many wait, 504 for one that takes too long, 400 or 500 where the version
        cannot predict the rows.
        """
        if self._is_quick(version, len(X)) and self._busy.acquire(blocking=False):
            try:
                return self._timed(version, X)
            finally:
                self._busy.release()
        if self._waiting >= self._most:
            raise RequestError(503, f"{self._waiting} requests wait already: send it again later", retry_after=1)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            work = loop.run_in_executor(self._thread, functools.partial(self._in_turn, version, X))
            return await asyncio.wait_for(work, self._seconds)
        except TimeoutError:
            raise RequestError(504, f"the answer took longer than {self._seconds:g} s") from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Take no more work."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _is_quick(self, version: Prepared, rows: int) -> bool:
        if isinstance(version.answering, Apart):
            return False
        call, row = self._cost.get(version.number, (0.0, QUICK))  # until it is known, one row may
        return call + rows * row <= QUICK

    def _in_turn(self, version: Prepared, X: pd.DataFrame) -> Answer:
        with self._busy:
            return self._timed(version, X)

    def _timed(self, version: Prepared, X: pd.DataFrame) -> Answer:
        began = time.perf_counter()
        try:
            return version.answer(X)
        except Unavailable as error:
            raise RequestError(503, str(error), retry_after=1) from error
        except Refused as error:
            raise RequestError(400 if X.isna().any(axis=None) else 500, str(error)) from error
        finally:
            self._learn(version.number, len(X), time.perf_counter() - began)

    def _learn(self, number: str, rows: int, seconds: float) -> None:
        """What a row costs: the mean over calls of many; of one, what the call costs."""
        if len(self._cost) > 8 and number not in self._cost:
            self._cost.clear()  # versions that have gone
        call, row = self._cost.get(number, (seconds, 0.0))
        if rows <= 1:
            call += _FORGETS * (seconds - call)
        else:
            row += _FORGETS * (max(seconds - call, 0.0) / rows - row) if row else max(seconds - call, 0.0) / rows
        self._cost[number] = (call, row)
