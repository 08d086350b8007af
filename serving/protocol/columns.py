"""The columns of a request, from whichever form they came in: V2 tensors, or MLflow's `/invocations`.

MLflow's forms as its scoring server reads them (mlflow/pyfunc/scoring_server): `dataframe_split`,
`dataframe_records`, `instances` and `inputs` in JSON, and CSV with a line of names.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from .errors import RequestError, bad
from .inference import named_once, parse_json
from .tensors import Column, Tensor

Columns: TypeAlias = dict[str, Column]
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def of_tensors(tensors: Sequence[Tensor], features: Sequence[str]) -> Columns:
    """One tensor a column, of shape [n] or [n, 1]; or one tensor of shape [n, k] with the columns of *features*.

    Raises RequestError (400) for any other shape.
    """
    if len(tensors) == 1 and len(tensors[0].shape) == 2 and tensors[0].name not in features:
        return _matrix(tensors[0], features)
    named_once([each.name for each in tensors])
    for each in tensors:
        if not (len(each.shape) == 1 or (len(each.shape) == 2 and each.shape[1] == 1)):
            raise bad(
                f"input {each.name!r} has the shape {list(each.shape)}; expected one tensor of shape [n] for each of "
                f"{_listed(features)}, or one alone of shape [n, {len(features)}]"
            )
    return {each.name: each.values for each in tensors}


def _matrix(tensor: Tensor, features: Sequence[str]) -> Columns:
    if tensor.shape[1] != len(features):
        raise bad(
            f"input {tensor.name!r} has {tensor.shape[1]} columns; expected {len(features)}, in the order "
            f"{_listed(features)}"
        )
    return dict(zip(features, tensor.columns(), strict=True))


def of_invocation(body: bytes, content_type: str, features: Sequence[str]) -> Columns:
    """The columns of a body of `/invocations`. Raises RequestError: 415 for another kind of content, 400 else."""
    kind, *options = (each.strip() for each in content_type.split(";"))
    for option in options:
        key, _, value = option.partition("=")
        if key.strip().lower() != "charset" or value.strip(' "').lower() not in ("utf-8", "utf8"):
            raise RequestError(415, f"content type {content_type!r:.80}: only charset=utf-8 may stand behind it")
    if kind.lower() == "text/csv":
        return _csv(body)
    if kind.lower() != "application/json":
        raise RequestError(415, f"content type {kind!r:.80}; expected application/json or text/csv")
    found = parse_json(body)
    forms = [each for each in FORMS if isinstance(found, dict) and each in found]
    if not isinstance(found, dict) or len(forms) != 1:
        raise bad(f"expected an object with exactly one of {', '.join(FORMS)}; found {forms or 'none'}")
    value = found[forms[0]]
    if forms[0] == "dataframe_split":
        return _split(value, features)
    if forms[0] == "inputs" and isinstance(value, dict):
        return {str(name): each if isinstance(each, list) else [each] for name, each in value.items()}
    return _rows(value, forms[0], features)


def _split(value: object, features: Sequence[str]) -> Columns:
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise bad("`dataframe_split` needs an object with `columns` and `data`")
    names = value.get("columns", list(features))
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise bad("`dataframe_split.columns` needs a list of names")
    return _by_place(value["data"], names, "dataframe_split.data")


def _rows(value: object, form: str, features: Sequence[str]) -> Columns:
    """Rows as objects, or as lists in the order of *features*; a single value is a row of one column."""
    if not isinstance(value, list):
        raise bad(f"`{form}` needs a list of rows")
    if value and isinstance(value[0], dict):
        return _records(value, form)
    if value and not isinstance(value[0], list):
        value = [[each] for each in value]
    return _by_place(value, features, form)


def _records(rows: list[object], form: str) -> Columns:
    first = rows[0]
    names = list(first) if isinstance(first, dict) else []
    made: dict[str, list[object]] = {str(name): [] for name in names}
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            raise bad(f"`{form}`: row {at} is no object, though the first is one")
        if row.keys() != made.keys():
            odd = sorted(map(str, row.keys() ^ made.keys()))[0]
            raise bad(f"`{form}`: column {odd!r:.60} is missing in some rows (row 0 and row {at} differ)")
        for name, value in row.items():
            made[name].append(value)
    return dict(made)


def _by_place(rows: object, names: Sequence[str], where: str) -> Columns:
    named_once(names)
    if not isinstance(rows, list):
        raise bad(f"`{where}` needs a list of rows")
    for at, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            found = f"{len(row)} values" if isinstance(row, list) else "no list"
            raise bad(f"`{where}`: row {at} is {found}; expected {len(names)}: {_listed(names)}")
    turned = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: list(column) for name, column in zip(names, turned, strict=True)}


def _csv(body: bytes) -> Columns:
    """CSV with a first line of names. Numbers become numbers, and an empty field is missing."""
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad(f"the body is no CSV in UTF-8: {str(error)[:120]}") from None
    lines = [each for each in lines if each]
    if not lines:
        raise bad("the CSV is empty; expected a line of names and lines of values")
    return {
        name: Written(column) if isinstance(column, list) else column
        for name, column in _by_place(lines[1:], lines[0], "csv").items()
    }


class Written(list[object]):
    """A column as CSV writes it: text all through, whatever it stands for."""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")


def row_count(columns: Mapping[str, Column]) -> int:
    """How many rows the columns hold. Raises RequestError (400) that names a column of another length."""
    lengths = {name: len(values) for name, values in columns.items()}
    rows = next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != rows:
            raise bad(f"column {name!r:.60} has {length} rows; {next(iter(lengths))!r:.60} has {rows}")
    return rows
