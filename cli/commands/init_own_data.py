"""`ratoon init DIR --data FILE`: a project over the reader's own data, written after a look at it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pandas as pd

from ...data.columns import TARGET
from ...data.doubts.doubts import csv_settings, doubts
from ...data.source import open_source
from ...data.sources.layout import Kind
from ...data.sources.place import is_csv, open_tables
from ...data.window import Window
from ...spec.duration import format_duration
from ...spec.errors import BadInput, DataError
from ...spec.keys.data import CsvSpec
from ...spec.keys.metric import DEFAULT_METRIC
from ...spec.keys.watching import Task
from ...spec.load import json_schema
from ...spec.model import Spec
from ...spec.places import real
from ...spec.values import Span
from .default_rules import policy_text
from .init import all_or_none

CLASSES = 20  # a target of whole numbers with more values than this is a number to predict
LOOKED_AT = 20_000  # rows that the target's kind is told by
_MODELS = {
    "classes": 'return Pipeline([("columns", columns), ("model", SGDClassifier(loss="log_loss"))])',
    "regression": "\n    ".join(
        [
            'model = Pipeline([("columns", columns), ("model", SGDRegressor())])',
            "return TransformedTargetRegressor(model, transformer=StandardScaler())",
        ]
    ),
    "clustering": 'return Pipeline([("columns", columns), ("model", MiniBatchKMeans(8, n_init=3))])',
}


@dataclass(frozen=True)
class OwnData:
    """What the reader says of their data; *label_delay* counts where *label_time* is not given."""

    file: Path
    target: str | None  # None for a clustering, which has no label
    time: str
    id: str
    label_time: str | None = None
    label_delay: str | None = None
    task: Task | None = None


@dataclass(frozen=True)
class Written:
    """What was written; *first* is a moment with a third of the rows behind it, for the first version."""

    paths: list[Path]
    task: Task
    numbers: list[str]
    categories: list[str]
    left_out: list[str]
    first: datetime
    doubts: list[str]


def write_own(folder: Path, name: str, own: OwnData) -> Written:
    """Look at the data, then write spec, training code and schema into *folder*.

    Raises BadInput or DataError, before anything is written, where a file is there already or a column cannot
    play its role.
    """
    paths = [folder / each for each in ("spec.yaml", "training.py", "ratoon.schema.json")]
    taken = [path for path in paths if path.exists()]
    if taken:
        raise BadInput(f"{taken[0]} is there already; nothing was written. Choose another folder, or move it away.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise BadInput(
            f"the folder's name {name!r} becomes the model's; expected letters, digits, `_`, `.` and `-`, beginning "
            "with a letter or digit. Nothing was written."
        )
    found = _looked_at(folder, name, own)
    task: Task = own.task or found.task
    starter = files("ratoon.cli") / "starter"
    labels = f"label_time: {_yaml(own.label_time)}" if own.label_time else f"label_delay: {own.label_delay or '0d'}"
    holes = {
        "MODEL": name,
        "TASK": task,
        "SOURCE": _yaml(str(found.source)),
        "ID": _yaml(own.id),
        "TIME": _yaml(own.time),
        "TARGET": f"target: {_yaml(own.target)}" if own.target else "",
        "LABELS": labels,
        "CSV": _csv(found.csv),
        "DROP": json.dumps(found.left_out, ensure_ascii=False),
        "WINDOW": format_duration(found.window),
        "EVERY": format_duration(max(found.window / 7, timedelta(minutes=1))),
        "DRIFT_ROWS": str(max(20, min(200, found.rows_a_window // 2))),
        "LABELLED": str(max(30, min(200, found.rows_a_window // 3))),
        "METRIC": DEFAULT_METRIC[task],
        "NUMBERS": json.dumps(found.numbers, ensure_ascii=False),
        "CATEGORIES": json.dumps(found.categories, ensure_ascii=False),
        "SORT": "eight centres" if task == "clustering" else "linear",
        "RETURN": _MODELS.get(task, _MODELS["classes"]),
    }
    with all_or_none(paths):
        folder.mkdir(parents=True, exist_ok=True)
        for path, template in zip(paths, ("own_spec.yaml", "own_training.txt"), strict=False):
            path.write_text(_filled((starter / template).read_text(encoding="utf-8"), holes), encoding="utf-8")
        paths[2].write_text(json.dumps(json_schema(), indent=1) + "\n", encoding="utf-8")
    return Written(paths, task, found.numbers, found.categories, found.left_out, found.first, found.doubts)


@dataclass(frozen=True)
class _Found:
    source: Path
    task: Task
    numbers: list[str]
    categories: list[str]
    left_out: list[str]
    window: timedelta
    rows_a_window: int
    csv: CsvSpec
    doubts: list[str]
    first: datetime


def _looked_at(folder: Path, name: str, own: OwnData) -> _Found:
    source = real(own.file)
    if source.is_relative_to(folder.resolve()):
        source = source.relative_to(folder.resolve())
    columns = {"id": own.id, "time": own.time}
    if own.target is not None:
        columns["target"] = own.target
    if own.label_time:
        columns["label_time"] = own.label_time
    declared = Spec.model_validate(
        {
            "model": name,
            "task": "multiclass" if own.target else "clustering",  # takes any target; what it is comes out below
            "data": {"source": str(source), **columns},
            "learner": {"build": "training.py:build"},
        }
    )
    declared._path = folder.resolve() / "spec.yaml"
    drop = _no_features(declared, set(columns.values()))
    declared = declared.model_copy(update={"data": declared.data.model_copy(update={"drop": tuple(drop)})})
    span, kinds, window = _read(declared, own)
    csv = csv_settings(kinds, window.frame) if is_csv(declared) else CsvSpec()
    if csv != CsvSpec():
        declared = declared.model_copy(update={"data": declared.data.model_copy(update={"csv": csv})})
        span, kinds, window = _read(declared, own)
    length = span.end - span.start
    whole_days = timedelta(days=max(1, min(30, round(length / timedelta(days=8)))))
    extent = whole_days if length >= timedelta(days=8) else timedelta(minutes=max(1, length // timedelta(minutes=8)))
    return _Found(
        source=source,
        task=_task_of(window.frame[TARGET]) if own.target else "clustering",
        numbers=[each for each, kind in kinds.items() if kind == "number"],
        categories=[each for each, kind in kinds.items() if kind != "number"],
        left_out=drop,
        window=extent,
        rows_a_window=round(window.rows * (extent / length)) if length else window.rows,
        csv=csv,
        doubts=[f"{each.column!r}: {each.text}" for each in doubts(declared, kinds, window.frame)],
        first=(span.start + length / 3).replace(hour=0, minute=0, second=0, microsecond=0)
        if length > timedelta(days=8)
        else (span.start + length / 3).replace(microsecond=0),
    )


def _read(declared: Spec, own: OwnData) -> tuple[Span, dict[str, Kind], Window]:
    with open_source(declared) as opened:
        span, kinds = opened.extent(), opened.kinds
        if span is None:
            raise DataError(f"{own.file} holds no rows. Nothing was written.")
        if not kinds:
            taken = [*declared.data.id, declared.data.time, declared.data.target or ""]
            raise DataError(f"{own.file} has no column beside {', '.join(filter(None, taken))}. Nothing was written.")
        return span, kinds, opened.as_of(span.end).window(span, sample=LOOKED_AT)


def _no_features(declared: Spec, taken: set[str]) -> list[str]:
    """Columns that cannot be features as they stand: times, lists and the like."""
    engine, rows, _ = open_tables(declared)
    try:
        kinds = rows.schema().items()
    finally:
        engine.close()
    return [
        name
        for name, kind in kinds
        if name not in taken and not (kind.is_numeric() or kind.is_boolean() or kind.is_string())
    ]


def _task_of(target: pd.Series) -> Task:
    """Two values: binary; few whole numbers, or text: multiclass; else a number to predict."""
    seen = target.dropna()
    values = seen.unique()
    if len(values) <= 2:
        return "binary"
    numbers = pd.to_numeric(pd.Series(values), errors="coerce")
    if numbers.isna().any() or (len(values) <= CLASSES and (numbers % 1 == 0).all()):
        return "multiclass"
    return "regression"


def _filled(text: str, holes: dict[str, str]) -> str:
    """The template with its `@HOLES@` filled; comments behind a value stay in their column where they can."""
    lines = []
    for line in text.splitlines():
        if line.strip() in ("@TARGET@", "@CSV@") and not holes[line.strip().strip("@")]:
            continue
        if line.strip() == "@POLICY@":
            lines.append(policy_text())
            continue
        # The template's comment is told apart first: a column's name may hold what looks like one.
        value, mark, comment = (
            re.sub(r"@([A-Z_]+)@", lambda hole: holes[hole.group(1)], part) for part in line.partition("  # ")
        )
        filled = value + mark + comment
        lines.append(f"{value.rstrip():<34} # {comment.lstrip()}" if mark and filled != line else filled)
    return "\n".join(lines) + "\n"


def _csv(csv: CsvSpec) -> str:
    """The line that says how CSV files are written; empty where that was found out by itself."""
    named = {"decimal": json.dumps(csv.decimal)} if csv.decimal != "." else {}
    if csv.null:
        named["null"] = json.dumps(list(csv.null), ensure_ascii=False)
    return f"csv: {{{', '.join(f'{key}: {value}' for key, value in named.items())}}}" if named else ""


_NO_TEXT = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")  # what YAML takes for something else


def _yaml(value: str | None) -> str:
    """*value* as a YAML scalar: bare where it is a plain name or path."""
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z/][\w./-]*", text) and text.lower() not in _NO_TEXT
    return text if plain else json.dumps(text, ensure_ascii=False)
