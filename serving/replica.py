"""One replica: the versions that it holds, who may ask it, and what becomes of a request's rows."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..log import Prediction
from ..spec.keys.serving import ServingSpec
from ..spec.model import Spec
from .execution import Execution
from .keys import Key, Keys
from .metrics import Metrics
from .protocol.columns import Columns, row_count
from .protocol.errors import RequestError, bad
from .recording import Recorder
from .versions.follower import Follower
from .versions.prepared import Answer, Prepared

ID_LENGTH = 400  # most characters of a row's id


@dataclass(frozen=True)
class Answered:
    """The answer to one request, by one version: what `infer` and `/invocations` write in their own ways."""

    version: Prepared
    id: str
    row_ids: Sequence[str]
    outputs: Mapping[str, NDArray[np.generic]]
    at: datetime

    @property
    def staleness(self) -> float:
        """Seconds from the arrival of the newest label that the version learned to the answer."""
        return round((self.at - self.version.watermark).total_seconds(), 3)

    def said(self) -> dict[str, object]:
        """What every answer carries beside the prediction."""
        return {
            "version": self.version.number,
            "watermark": self.version.watermark.isoformat(),
            "staleness_seconds": self.staleness,
        }

    def headers(self) -> dict[str, str]:
        """The same as headers, for answers that have no place for it."""
        return {
            "Ratoon-Version": self.version.number,
            "Ratoon-Watermark": self.version.watermark.isoformat(),
            "Ratoon-Staleness-Seconds": f"{self.staleness:g}",
            "Ratoon-Request-Id": self.id,
        }


@dataclass
class Replica:
    """All that the routes of one process share."""

    spec: Spec
    serving: ServingSpec
    follower: Follower
    keys: Keys
    metrics: Metrics
    recorder: Recorder | None = None  # None: nothing is kept, and labels have no place
    name: str = "replica"
    draining: bool = False
    execution: Execution = field(init=False)

    def __post_init__(self) -> None:
        limits = self.serving.limits
        self.execution = Execution(waiting=limits.waiting, seconds=limits.time.total_seconds())

    # -- state -----------------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """The time limit of a request."""
        return self.serving.limits.time.total_seconds()

    def not_ready(self) -> str | None:
        """Why the replica takes no requests; None if it does."""
        if self.draining:
            return "the replica is shutting down"
        return None if self.follower.now.champion is not None else self.follower.trouble

    def version(self, number: str | None, key: Key) -> Prepared:
        """The version that answers: the champion, or the one of *number* if it is held.

        Raises RequestError: 503 where no version is loaded, 404 for one that is not held, 403 for the challenger, which
        nobody has let serve, without the scope `admin`.
        """
        held = self.follower.now
        if held.champion is None:
            raise RequestError(503, f"no version is loaded: {self.follower.trouble}", retry_after=5)
        if number is None or number == held.champion.number:
            return held.champion
        version = held.find(number)
        if version is None:
            listed = ", ".join(each.number for each in held.all())
            raise RequestError(404, f"version {number!r:.40} is not held here; held are {listed}")
        if version is held.challenger and not key.may("admin"):
            raise RequestError(403, f"version {number} waits for review: it needs a key of the scope 'admin'")
        return version

    # -- answering -------------------------------------------------------------------------------

    async def answer(self, version: Prepared, columns: Columns, request_id: str | None) -> Answered:
        """What *version* says of the rows in *columns*, once they are in the log if it is awaited.

        Raises RequestError for rows that do not fit the version, for more than the limit, and as `Execution.run`.
        """
        rows = row_count(columns)
        if rows > self.serving.limits.rows:
            self.metrics.count(self.metrics.busy, "rows")
            raise RequestError(413, f"{rows} rows; serving.limits.rows is {self.serving.limits.rows}")
        X = version.contract.table(columns)
        name = request_id or secrets.token_hex(12)
        ids = self._row_ids(columns, name, rows)
        answer = await self.execution.run(version, X)
        answered = Answered(version, name, ids, version.outputs(answer), datetime.now(UTC).replace(tzinfo=None))
        if self.recorder is not None and self.recorder.how != "off" and rows:
            await self.recorder.predictions(self._rows(answered, X, answer), self.seconds)
        self.metrics.rows.inc(rows)
        return answered

    def _rows(self, answered: Answered, X: pd.DataFrame, answer: Answer) -> list[Prediction]:
        """The rows as the log keeps them: of two classes the last one's probability, else the prediction itself."""
        version = answered.version
        arm = self.follower.now.role(version)
        two = answer.scores is not None and answer.scores.ndim == 2 and answer.scores.shape[1] == 2
        served = answer.scores[:, 1] if two and answer.scores is not None else answer.prediction
        columns = [X[name].tolist() for name in X.columns]
        names, number, watermark = version.contract.names, version.number, version.watermark
        return [
            Prediction(row_id, answered.at, number, dict(zip(names, values, strict=True)), value, watermark, arm)
            for row_id, values, value in zip(answered.row_ids, zip(*columns, strict=True), served.tolist(), strict=True)
        ]

    def _row_ids(self, columns: Columns, name: str, rows: int) -> list[str]:
        """The rows' ids: of the spec's id columns if they came, else the request's, with `/i` if it has many rows."""
        wanted = self.spec.data.id
        sent = [column for column in wanted if column in columns]
        if not sent:
            if len(name) > ID_LENGTH:
                raise bad(f"`id` has {len(name)} characters; expected {ID_LENGTH} at most")
            return [name] if rows == 1 else [f"{name}/{at}" for at in range(rows)]
        if len(sent) < len(wanted):
            raise bad(f"column {next(each for each in wanted if each not in sent)!r} is missing: it names a row too")
        found = [[_id(column, value) for value in _listed(columns[column])] for column in wanted]
        if len(found) == 1:
            return found[0]
        # As the data's source writes the id of several columns
        parts = [[each.replace("\\", "\\\\").replace("|", "\\|") for each in column] for column in found]
        return ["|".join(each) for each in zip(*parts, strict=True)]

    # -- the end ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Write what waits for the log, and let go of the versions."""
        if self.recorder is not None:
            self.recorder.close()
        self.execution.close()
        self.follower.stop()


def _listed(values: object) -> list[object]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)  # type: ignore[call-overload, no-any-return]


def _id(column: str, value: object) -> str:
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    if not text or len(text) > ID_LENGTH:
        raise bad(f"column {column!r} names a row, but holds {value!r:.60}; expected text or a whole number")
    return text
