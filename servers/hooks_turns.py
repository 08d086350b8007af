"""Sweeps that were asked for, one after the other: many askings make one, and one during a sweep makes another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..spec.masked import masked

TRIES = 12  # of one asking; with the pauses between them half an hour
LONGEST = 300.0  # seconds between two tries
_log = logging.getLogger("ratoon.hooks")


class Turns:
    """One thread that calls *start* with each spec that was asked for since its last turn began.

    A turn begins *settle* seconds after the first asking, so that a flood of events makes few. What could not be
    started is tried again, each time after twice the pause: where no sweep is scheduled, nobody else would ask.
    """

    def __init__(self, start: Callable[[Path], None], *, settle: float = 1.0) -> None:
        self._start, self._settle = start, settle
        self._due: dict[Path, float] = {}  # when its turn begins, on the monotonic clock
        self._failed: dict[Path, int] = {}
        self._changed, self._stopping = threading.Condition(), False
        self._thread = threading.Thread(target=self._turns, name="ratoon-reviews", daemon=True)
        self._thread.start()

    def ask(self, spec: Path) -> None:
        """Let *spec* be swept soon; returns at once."""
        with self._changed:
            self._failed.pop(spec, None)
            soon = time.monotonic() + self._settle
            self._due[spec] = min(self._due.get(spec, soon), soon)
            self._changed.notify()

    def stop(self) -> None:
        """Finish what was asked for, and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(120)

    def _turns(self) -> None:
        while (spec := self._next()) is not None:
            try:
                self._start(spec)
            except Exception as error:  # the thread must live
                self._again(spec, error)
            else:
                with self._changed:
                    self._failed.pop(spec, None)

    def _next(self) -> Path | None:
        """The spec whose turn it is, waited for; None where all is done and nobody will ask any more."""
        with self._changed:
            while True:
                first = min(self._due, key=lambda spec: (self._due[spec], spec), default=None)
                if first is None and self._stopping:
                    return None
                wait = None if first is None else self._due[first] - time.monotonic()
                if first is not None and wait is not None and (wait <= 0 or self._stopping):
                    del self._due[first]
                    return first
                self._changed.wait(wait)

    def _again(self, spec: Path, error: Exception) -> None:
        what = masked(f"The review of {spec} could not be started: {type(error).__name__}: {error}")
        with self._changed:
            failed = self._failed[spec] = self._failed.get(spec, 0) + 1
            if self._stopping or failed >= TRIES:
                _log.warning("%s. It is left to the sweep every few minutes.", what)
                return
            pause = min(self._settle * 2**failed, LONGEST)
            self._due.setdefault(spec, time.monotonic() + pause)
        _log.warning("%s. It is tried again in %.0f s.", what, pause)
