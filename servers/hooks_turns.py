"""Sweeps that were asked for, one after the other: many askings make one, and one during a sweep makes another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger("ratoon.hooks")


class Turns:
    """One thread that calls *start* with each spec that was asked for since its last turn began.

    A turn begins *settle* seconds after the first asking, so that a flood of events makes few.
    """

    def __init__(self, start: Callable[[Path], None], *, settle: float = 1.0) -> None:
        self._start, self._settle = start, settle
        self._asked: set[Path] = set()
        self._changed, self._stopping = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._turn, name="ratoon-reviews", daemon=True)
        self._thread.start()

    def ask(self, spec: Path) -> None:
        """Let *spec* be swept soon; returns at once."""
        with self._changed:
            self._asked.add(spec)
            self._changed.notify()

    def stop(self) -> None:
        """Finish what was asked for, and end the thread."""
        self._stopping.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(120)

    def _turn(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked or self._stopping.is_set())
                if not self._asked:
                    return
            self._stopping.wait(self._settle)
            with self._changed:
                due, self._asked = sorted(self._asked), set()
            for spec in due:
                try:
                    self._start(spec)
                except Exception as error:  # the sweep every few minutes makes up for it; the thread must live
                    _log.warning("The review of %s could not be started: %s: %s", spec, type(error).__name__, error)
