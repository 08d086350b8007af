"""`ratoon log`: what its commands do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from ...data.columns import ID, LABEL_TIME, PREDICTION, TARGET, TIME
from ...data.source import Source, open_source
from ...log import LabelEvent, Log, LogSummary, Prediction, open_log
from ...log.export import export_log
from ...log.seal import Sealed
from ...spec.errors import BadInput
from ...spec.keys.data import DataSpec
from ...spec.masked import masked
from ...spec.model import Spec
from ...spec.stores import sqlite_file, stores_of
from ...spec.values import Span

_ALL = 2**62  # rows of a window


@dataclass(frozen=True)
class LogStatus:
    """Where the log is, and what it holds of the model; None: nothing."""

    url: str
    summary: LogSummary | None

    def as_json(self) -> dict[str, object]:
        """Plain JSON; times as text."""
        found = {} if self.summary is None else asdict(self.summary)
        shown = {name: each.isoformat() if isinstance(each, datetime) else each for name, each in found.items()}
        return {"log": self.url, **shown}


@dataclass(frozen=True)
class Imported:
    """Of *rows* and *labels* that the history has, how many the log had not; *corrections* are among the new labels."""

    rows: int
    new_rows: int
    labels: int
    new_labels: int
    corrections: int
    orphans: int


def log_status(spec: Spec) -> LogStatus:
    """What the log holds of the model; a log that is not there yet is not made."""
    url = stores_of(spec).log
    file = sqlite_file(url)
    if file is not None and not file.exists():
        return LogStatus(masked(url), None)
    with open_log(url) as log:
        there = spec.model in log.models()
        return LogStatus(masked(url), log.summary(spec.model, spec.log.orphan_after) if there else None)


def seal_log(spec: Spec) -> list[Sealed]:
    """Seal the model's closed days now."""
    with _opened(spec) as log:
        return log.seal(spec.model, spec.log.seal_after)


def export_history(spec: Spec, folder: Path) -> tuple[int, int]:
    """Write all rows and labels of the model into *folder*; how many. Raises BadInput as `export_log`."""
    with _opened(spec) as log:
        return export_log(log, spec.model, folder)


def import_history(spec: Spec, files: Sequence[str], labels: str | None, version: str) -> Imported:
    """Bring the rows and labels of *files* into the log; none: those that the spec's `data` points at.

    Raises DataError for files that are not as the spec says, BadInput for a history that is older than labels that
    the log has.
    """
    if not files and spec.data.logged:
        raise BadInput(
            f"{spec.path.name}: data.source is the log itself; name the files to bring in. Nothing was changed"
        )
    now = datetime.now(UTC).replace(tzinfo=None)
    sources = [_spec_of(spec, file, labels) for file in files] or [spec]
    with open_log(stores_of(spec).log) as log:
        told: list[pd.DataFrame] = []
        rows = new = 0
        for each in sources:
            with open_source(each) as source:
                found = log.import_predictions(spec.model, list(_predictions(source, now, version)))
                told.append(_labels(source, now))
            rows, new = rows + len(found), new + found.count("accepted")
        return _labelled(spec, log, pd.concat(told, ignore_index=True), (rows, new))


def _labelled(spec: Spec, log: Log, told: pd.DataFrame, rows: tuple[int, int]) -> Imported:
    """Bring in the labels, by the time at which they came."""
    told = told.drop_duplicates(["event", ID, TARGET]).sort_values([LABEL_TIME, ID], kind="stable")
    times = [each.to_pydatetime() for each in told[LABEL_TIME]]
    events = [LabelEvent(*each) for each in zip(told[ID], told[TARGET], told["event"], strict=True)]
    said = log.import_labels(spec.model, events, times)
    return Imported(
        *rows,
        labels=len(said),
        new_labels=len(said) - said.count("repeated"),
        corrections=said.count("correction"),
        orphans=said.count("waiting"),
    )


def _predictions(source: Source, now: datetime, version: str) -> Iterator[Prediction]:
    frame = _frame(source, now)
    features = frame[list(source.features)].to_dict("records")
    served = frame[PREDICTION] if PREDICTION in frame else [None] * len(frame)
    for row_id, time, values, said in zip(frame[ID], frame[TIME], features, served, strict=True):
        yield Prediction(row_id, time.to_pydatetime(), version, {str(k): v for k, v in values.items()}, said)


def _frame(source: Source, now: datetime) -> pd.DataFrame:
    span = source.extent()
    if span is None:
        return source.as_of(now).window(Span(start=now, end=now)).frame
    return source.as_of(now).window(span, sample=_ALL).frame


def _labels(source: Source, now: datetime) -> pd.DataFrame:
    """Id, label, when it came, and the event's name; a label never comes before its row."""
    view = source.as_of(now)
    events = source.label_events(now)
    if events is None:
        known = pd.concat([view.learned(now), view.holdout(None)], ignore_index=True)
        return known[[ID, TARGET, LABEL_TIME]].assign(event=known[ID])
    times = _frame(source, now).set_index(ID)[TIME]
    named = events.assign(event=events[ID] + "@" + events[LABEL_TIME].astype(str))
    named[LABEL_TIME] = named[LABEL_TIME].where(~(named[ID].map(times) > named[LABEL_TIME]), named[ID].map(times))
    return named


def _spec_of(spec: Spec, file: str, labels: str | None) -> Spec:
    """*spec* over a file: the columns that its `data` names, in that file."""
    keys = spec.data.model_dump(exclude_unset=True, exclude={"url", "table"})
    keys["source"] = str(Path(file).absolute())
    if spec.data.logged or labels is not None:
        keys.pop("labels", None)
    if labels is not None:
        keys["labels"] = {"source": str(Path(labels).absolute())}
    copied = spec.model_copy(update={"data": DataSpec.model_validate(keys)})
    copied._path = spec.path
    return copied


@contextmanager
def _opened(spec: Spec) -> Iterator[Log]:
    url = stores_of(spec).log
    file = sqlite_file(url)
    if file is not None and not file.exists():
        raise BadInput(
            f"there is no log {file} yet; nothing was changed. `ratoon log import` or `ratoon serve` makes it"
        )
    with open_log(url) as log:
        yield log
