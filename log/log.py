"""An open log: predictions as they were served, labels as they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Engine

from ..spec.errors import Refused
from ..system.databases import shown
from .append import add_columns, append
from .contents import Columns, Contents, columns_of, contents_of, open_partition, places_of, settle, settled
from .engine import Partition, all_of, connect
from .entries import WHOLE, LabelEvent, LoggedLabel, LoggedPrediction, LogSummary, Prediction, Status, naive, utc_now
from .history import append_past, parts
from .migrate import migrate
from .place import sealed_folder
from .prepared import Column, HandIn, prepared_labels, prepared_predictions
from .prune import prune_before, pruned_files
from .reads import labels_after, models_of, partitions_of, predictions_after
from .seal import Sealed, seal_days
from .summary import summary_of
from .transactions import read, write


def open_log(url: str, *, now: Callable[[], datetime] = utc_now) -> Log:
    """Open the log at *url*, creating or upgrading it; safe for several processes at once.

    `sqlite:///path/to/log.db` is a file (its sealed days lie in a folder beside it), `postgresql://…` plain tables of
    a server. *now* is the clock, as naive UTC.

    Raises BadInput for a URL that is no log, a database that cannot be reached, is newer than this code, or holds
    tables of somebody else; Unavailable if its server does not answer.
    """
    engine = connect(url)
    try:
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return Log(engine, now)


class Log:
    """An open log, for several threads. Close it, or use it in a `with`.

    If its database goes away, each method waits some seconds for it; all raise Unavailable if it stays away or cannot
    be written. Everything written twice is kept once, so that whoever got no answer sends it again.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        self.engine = engine
        self.folder = sealed_folder(engine.url)
        self.now = now
        self._columns: dict[str, frozenset[Column]] = {}  # that the database knows, by model
        self._places: frozenset[Partition] = frozenset()  # that are known to be there
        self._lock = threading.Lock()

    def append_predictions(self, model: str, rows: Sequence[Prediction], partition: str = WHOLE) -> list[Status]:
        """Write *rows*, on the disk when it returns; of each whether it was `accepted`, or `repeated` and left.

        A row's id names one prediction of a model: the first. Raises BadInput for what the log cannot hold.
        """
        return self.append([prepared_predictions(model, rows, partition)])[0]

    def append_labels(self, model: str, events: Sequence[LabelEvent], partition: str = WHOLE) -> list[Status]:
        """Write *events*, on the disk when it returns; of each what it was.

        `accepted`: the row's first label. `correction`: another value than the row's last one. `repeated`: nothing
        new. `waiting`: the row's prediction is not in the partition; the label counts from when it is.
        Raises BadInput for what the log cannot hold.
        """
        return self.append([prepared_labels(model, events, partition)])[0]

    def append(self, hand_ins: Sequence[HandIn]) -> list[list[Status]]:
        """Write what several callers handed in as one commit; of each the statuses of its rows and events."""
        new = [each for each in hand_ins if not self._columns.get(each.model, frozenset()).issuperset(each.columns)]

        def work(connection: Connection) -> list[list[Status]]:
            for each in new:
                add_columns(connection, each.model, each.columns)
            return append(connection, hand_ins, self.now)

        places = {each.place for each in hand_ins}
        for place in places:
            self._open(place)
        found = write(self.engine, places, work)
        if new:
            with self._lock:
                for each in new:
                    self._columns[each.model] = self._columns.get(each.model, frozenset()).union(each.columns)
        return found

    def import_predictions(self, model: str, rows: Sequence[Prediction], partition: str = WHOLE) -> list[Status]:
        """Write a history's *rows*, which arrived at their own times; give them in the order of these."""
        return self._import(prepared_predictions(model, rows, partition), ())

    def import_labels(
        self, model: str, events: Sequence[LabelEvent], arrivals: Sequence[datetime], partition: str = WHOLE
    ) -> list[Status]:
        """Write a history's labels, in the order of their *arrivals*; their predictions must be there.

        What broke off is taken up by doing it again. Raises BadInput for a label that came no later than one that the
        log had before: who has read that one would never see it.
        """
        return self._import(prepared_labels(model, events, partition), [naive(each) for each in arrivals])

    def _open(self, place: Partition) -> None:
        """Make a partition, unless it is there."""
        if place in self._places:
            return
        write(self.engine, [all_of(place[0])], lambda c: open_partition(c, place))
        with self._lock:
            self._places = self._places | {place}

    def _import(self, hand_in: HandIn, arrivals: Sequence[datetime]) -> list[Status]:
        found: list[Status] = []
        self._open(hand_in.place)
        for part, times in parts(hand_in, arrivals):

            def work(connection: Connection, part: HandIn = part, times: Sequence[datetime] = times) -> list[Status]:
                add_columns(connection, part.model, part.columns)
                return append_past(connection, part, times, self.now())

            found += write(self.engine, [part.place], work)
        return found

    def labels_after(
        self, model: str, position: int = 0, limit: int = 1000, partition: str = WHOLE
    ) -> list[LoggedLabel]:
        """The next *limit* labels of a partition after *position* (0: from the start), without a gap.

        Whoever goes on from the last one's position sees every label once, whatever writers do meanwhile.
        """
        return read(self.engine, lambda c: labels_after(c, (model, partition), position, limit))

    def predictions_after(
        self, model: str, position: int = 0, limit: int = 1000, partition: str = WHOLE
    ) -> list[LoggedPrediction]:
        """The next *limit* predictions of a partition after *position*, as `labels_after`."""
        return read(self.engine, lambda c: predictions_after(c, self.folder, (model, partition), position, limit))

    def partitions(self, model: str) -> tuple[str, ...]:
        """The partitions that a model has in the log, sorted."""
        return read(self.engine, lambda c: partitions_of(c, model))

    def contents(self, model: str) -> Contents:
        """All of a model in a SQLite log, as of one moment. Raises Refused for PostgreSQL, whose tables are read."""
        folder = self._sealed()
        until = self.settle(model)
        return read(self.engine, lambda c: contents_of(c, folder, model, until))

    def columns(self, model: str) -> Columns:
        """The kinds of a model's features, label and prediction."""
        return read(self.engine, lambda c: columns_of(c, model))

    def settle(self, model: str) -> datetime:
        """A moment after which every later label of a model is stamped, whatever partition it is in."""
        found = read(self.engine, lambda c: settled(c, model))
        return found or write(self.engine, [all_of(model)], lambda c: settle(c, model)) or datetime.min

    def seal(self, model: str, after: timedelta = timedelta(0)) -> list[Sealed]:
        """Seal the days of a model that ended *after* ago or earlier into Parquet; those that were sealed now.

        PostgreSQL keeps plain tables: nothing is sealed. Safe at any time, from several processes at once.
        """
        if self.folder is None:
            return []
        now = self.now()
        places = read(self.engine, lambda c: places_of(c, model))
        return seal_days(self.engine, self.folder, places, now - after, now)

    def prune(self, model: str, keep: timedelta) -> int:
        """Let go of all of a model that is older than *keep*; how many rows of tables went.

        Files of sealed days go at the next prune, so that who reads them now is not disturbed.
        """
        now, folder = self.now(), self.folder
        places = read(self.engine, lambda c: places_of(c, model))
        files = read(self.engine, lambda c: pruned_files(c, folder, model)) if folder else []
        gone = write(self.engine, places, lambda c: prune_before(c, model, places, now - keep, now))
        for each in files:
            each.unlink(missing_ok=True)
        return gone

    def summary(self, model: str, waited: timedelta = timedelta(days=1)) -> LogSummary:
        """What the log holds of a model; labels that have *waited* so long for their prediction are orphans."""
        since = self.now() - waited
        return read(self.engine, lambda c: summary_of(c, model, since))

    def models(self) -> tuple[str, ...]:
        """The models that the log knows, sorted."""
        return read(self.engine, models_of)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _sealed(self) -> Path:
        if self.folder is None:
            raise Refused(f"the log {shown(self.engine.url)} keeps plain tables, and has no sealed days")
        return self.folder
