"""The worker's runs, as `ratoon up` cares for them: going on, cut off, left behind, and the pool that gives them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .processes import marked
from .services import worker_name
from .settings import Settings

if TYPE_CHECKING:
    from ..flows.prefect.recover import Recovery

_log = logging.getLogger(__name__)


class Runs:
    """The runs of the pool that have a process on this machine."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)  # before Prefect is imported, which reads it then
        from ..flows.prefect.recover import Recovery

        self._home, self._pool = settings.home, settings.pool
        self._recovery: Recovery = Recovery(settings.pool, worker_name(), self.going_on)

    def going_on(self) -> set[str]:
        """Ids of the runs that have a living process."""
        return {each.run for each in marked(self._home) if each.run is not None}

    def left_behind(self, *, nobody_works: bool = False) -> list[str]:
        """Take up what killed runs left; a sentence for each. Nothing where Prefect is away: the next look does.

        *nobody_works* says that the worker is not started yet.
        """
        try:
            return self._recovery.look(nobody_works=nobody_works)
        except Exception as error:  # the watch over the servers must go on
            _log.info("the look for runs left behind failed: %s", error)
            return []

    def pause(self) -> None:
        """Let the pool give no more runs, and remember that it was us."""
        try:
            if self._recovery.pause(True):
                self._paused.touch()
        except Exception as error:  # the server may be what broke
            _log.info("the pool could not be paused: %s", error)

    def resume(self) -> None:
        """Undo a pause that a stop, or a killed stop, has left."""
        if self._paused.exists():
            self._recovery.pause(False)
            self._paused.unlink(missing_ok=True)

    def close(self, cut_off: set[str]) -> None:
        """The worker has gone: say so of the runs that went with it, which it does not do itself."""
        try:
            self._recovery.mark(cut_off, "It was cut off when `ratoon up` stopped.")
            self.resume()
        except Exception as error:
            _log.info("what was cut off could not be marked: %s", error)

    @property
    def _paused(self) -> Path:
        return self._home / "paused-by-up"
