"""What was predicted and which labels came, on their way into the log: one commit serves all that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Literal, TypeVar

from ..log import GroupCommit, LabelEvent, Log, Prediction, QueueFull, Status
from ..spec.errors import BadInput, Unavailable
from .protocol.errors import RequestError, bad

T = TypeVar("T")
LABELS_WAITING = 100_000  # label events that wait for a commit


class Recorder:
    """One model's way into the log.

    *how*: `await` (an answer waits until it is in the log), `buffer` (written soon after, counted if it cannot be), or
    `off` (labels alone). At most *buffer* rows wait. Labels have a queue of their own, so that predictions which wait
    keep none of them out.
    """

    def __init__(self, log: Log, model: str, *, how: Literal["await", "buffer", "off"], buffer: int) -> None:
        self._log, self._model, self.how = log, model, how
        self._labels = GroupCommit(log, queued=LABELS_WAITING)
        self._predictions = GroupCommit(log, queued=buffer) if how != "off" else None

    @property
    def dropped(self) -> int:
        """Predictions that are not in the log."""
        return 0 if self._predictions is None else self._predictions.dropped

    @property
    def waiting(self) -> int:
        """Predictions that wait to be written."""
        return 0 if self._predictions is None else self._predictions.waiting

    async def predictions(self, rows: Sequence[Prediction], seconds: float) -> None:
        """Keep *rows* as `how` says. Raises RequestError: 503 for an awaited log that is not written in time, 400 for
        ids that it cannot hold."""
        if self._predictions is None:
            return
        if self.how == "await":
            await _told(self._predictions.write_predictions(self._model, rows), seconds)
            return
        try:
            self._predictions.buffer_predictions(self._model, rows)
        except BadInput as error:
            raise bad(str(error)) from None

    async def labels(self, events: Sequence[LabelEvent], seconds: float) -> list[Status]:
        """Keep *events*; of each what it was. Raises RequestError as `predictions` of an awaited log."""
        return await _told(self._labels.write_labels(self._model, events), seconds)

    def close(self) -> None:
        """Write what waits, and close the log."""
        for group in (self._predictions, self._labels):
            if group is not None:
                group.close()
        self._log.close()


async def _told(written: Awaitable[T], seconds: float) -> T:
    try:
        return await asyncio.wait_for(written, seconds)
    except TimeoutError:
        raise RequestError(503, "the log does not answer in time: send it again", retry_after=5) from None
    except QueueFull:
        raise RequestError(503, "too much waits for the log: send it again later", retry_after=1) from None
    except Unavailable as error:
        raise RequestError(503, "the log cannot be written: send it again later", retry_after=5) from error
    except BadInput as error:
        raise bad(str(error)) from None
