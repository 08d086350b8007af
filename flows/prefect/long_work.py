"""How far long work has come, as a bar on the run's page."""

from __future__ import annotations

from types import TracebackType
from typing import cast
from uuid import UUID

from .artifact_keys import artifact_key
from .engine import PREFECT, create_progress_artifact, flow_run, get_run_logger, update_progress_artifact

STEP = 5.0  # percent; smaller steps are not sent


class LongWork:
    """A bar from 0 to 100 percent, with a word for what is being done. Outside a run it does nothing.

    A bar is no reason to fail a run: what goes wrong with it is logged.
    """

    def __init__(self, what: str, model: str, doing: str) -> None:
        self._key, self._what, self._doing = artifact_key(f"{what}-progress", model), what, doing
        self._id: UUID | None = None
        self._sent = 0.0
        self._shares: dict[str, float] = {}

    def __enter__(self) -> LongWork:
        if PREFECT and flow_run.id is not None:
            try:
                said = f"{self._what}: {self._doing}"
                self._id = cast(UUID, create_progress_artifact(progress=0.0, key=self._key, description=said))
            except Exception as error:
                get_run_logger().warning("No progress is shown: %s", error)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.reached(100, "done")

    def heard(self, part: str, done: int, total: int) -> None:
        """One *part* of the work is done so far; the bar shows the mean over all parts heard of."""
        self._shares[part] = done / total if total else 1.0
        self.reached(99 * sum(self._shares.values()) / len(self._shares), f"{part}, {done} of {total}")

    def reached(self, percent: float, doing: str) -> None:
        """Move the bar to *percent*; never back, and not for less than a twentieth."""
        if self._id is None or (percent < 100 and percent - self._sent < STEP):
            return
        self._sent = percent
        try:
            update_progress_artifact(self._id, progress=percent, description=f"{self._what}: {doing}")
        except Exception as error:
            get_run_logger().warning("The progress shown is old: %s", error)
            self._id = None
