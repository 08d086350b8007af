"""What each column of a source is: a role, a feature of some kind, or nothing to Ratoon."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ...spec.errors import DataError
from ...spec.keys.data import DataSpec
from ...spec.model import Spec
from ..columns import CANONICAL

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir

Kind = Literal["number", "category"]
TargetKind = Literal["float", "int", "text"]

INNER = "ratoon__"  # prefix of the columns that live only inside a query


@dataclass(frozen=True)
class Layout:
    """The columns of a source by what they are for.

    *schema* maps every column of the rows' table to its type as text, *features* are in the spec's or the
    source's order, *kinds* maps each feature to its kind by the source's own type, *missing* names the
    declared features (and the prediction) that the source lacks. *prediction* is None where none is declared.
    *unsure* are features that the model learned as numbers and the source holds as text: one word among the numbers of
    a CSV file makes text of a column.
    """

    schema: dict[str, str]
    features: tuple[str, ...]
    kinds: dict[str, Kind]
    missing: tuple[str, ...]
    target: TargetKind
    prediction: Kind | None
    unsure: tuple[str, ...] = ()

    @property
    def narrow(self) -> Layout:
        """The same without features and prediction."""
        return replace(self, features=(), kinds={}, prediction=None)


def layout(
    spec: Spec,
    rows: ir.Table,
    labels: ir.Table | None,
    where: str,
    expected: Mapping[str, Kind],
    beside: Collection[str] = (),
) -> Layout:
    """Find every column's use; *expected* are the features that a model needs beside those of the spec, *beside* the
    columns that are features only where they are named.

    Raises DataError for a missing role, a type that cannot serve, or a feature that hides a canonical column.
    """
    data = spec.data
    schema = rows.schema()
    types = {name: type_text(kind) for name, kind in schema.items()}
    home = labels if labels is not None else rows
    _check_roles(data, rows, labels, where)
    # A column that is written otherwise than the model learned it is missing; engines would take both names for one
    lost = {name.casefold() for name in expected if name not in schema}
    others = tuple(name for name in _others(data, schema) if name not in beside and name.casefold() not in lost)
    features = data.features or others
    features += tuple(name for name in expected if name not in features)
    unknown = sorted(set(data.columns) - set(features))
    if unknown:
        raise DataError(_lacking(f"data.columns.{unknown[0]}", unknown[0], features, "the features"))
    found = {name: _kind(name, schema[name]) if name in schema else expected.get(name, "number") for name in features}
    unsure = tuple(
        name
        for name, kind in found.items()
        if kind == "category" and expected.get(name) == "number" and schema[name].is_string()
    )
    found |= dict.fromkeys(unsure, "number")
    kinds = {name: data.columns.get(name, kind) for name, kind in found.items()}
    _check_names(features)
    prediction: Kind | None = None
    if data.prediction is not None:
        prediction = _kind(data.prediction, schema[data.prediction]) if data.prediction in schema else "number"
    declared = (*features, *((data.prediction,) if data.prediction else ()))
    return Layout(
        schema=types,
        features=features,
        kinds=kinds,
        missing=tuple(name for name in declared if name not in schema),
        target="float" if data.target is None else _target(spec, home[data.target].type()),
        prediction=prediction,
        unsure=tuple(name for name in unsure if name not in data.columns),
    )


def _check_roles(data: DataSpec, rows: ir.Table, labels: ir.Table | None, where: str) -> None:
    """Every column that the spec gives a role must be there, and ids of a type that can name rows."""
    home = labels if labels is not None else rows
    ids = [("data.id", name, rows) for name in data.id]
    if labels is not None:
        ids += [("data.labels.id", name, labels) for name in data.label_id]
    needed = [*ids, ("data.time", data.time, rows)]
    if data.target is not None:
        needed.append(("data.target", data.target, home))
    if data.label_time is not None:
        needed.append(("data.label_time", data.label_time, home))
    for key, name, table in needed:
        if name not in table.columns:
            raise DataError(_lacking(key, name, table.columns, where + (" (the labels)" if table is labels else "")))
    for key, name, table in ids:
        _check_id(table[name].type(), key, name)


def type_text(kind: dt.DataType) -> str:
    """A column's type for people and for comparing schemas; whether it may be null is left out."""
    return "user-defined" if kind.is_unknown() else str(kind.copy(nullable=True))


def _others(data: DataSpec, schema: Iterable[str]) -> Iterable[str]:
    roles = {*data.id, data.time, data.target, data.label_time, data.prediction, *data.drop}
    return (name for name in schema if name not in roles)


def _kind(name: str, kind: dt.DataType) -> Kind:
    if kind.is_numeric() or kind.is_boolean():
        return "number"
    if kind.is_string() or kind.is_uuid() or kind.is_inet() or kind.is_macaddr() or kind.is_unknown():
        return "category"  # unknown: PostgreSQL's enums and other types of a user's own, read as their text
    raise DataError(
        f"column {name!r} is of type {type_text(kind)}; a feature must be a number, a boolean or text. "
        f"Put it into `data.drop` (or leave it out of `data.features`), or derive numbers from it in the source"
    )


def _check_id(kind: dt.DataType, key: str, name: str) -> None:
    if kind.is_integer() or kind.is_string() or kind.is_uuid() or kind.is_decimal() or kind.is_floating():
        return
    if kind.is_timestamp() or kind.is_date():
        return
    raise DataError(
        f"{key}: column {name!r} is of type {type_text(kind)}; expected whole numbers, text, UUIDs or times"
    )


def _check_names(features: tuple[str, ...]) -> None:
    taken = set(CANONICAL)
    for name in features:
        # Engines compare names without case, so `_Time` would hide `_time`.
        if name.lower() in taken or name.lower().startswith(INNER):
            raise DataError(
                f"column {name!r} cannot be a feature: Ratoon's own columns use that name; rename or drop it"
            )


def _target(spec: Spec, kind: dt.DataType) -> TargetKind:
    name = spec.data.target
    if spec.task == "regression" and (kind.is_numeric() or kind.is_boolean() or kind.is_string()):
        return "float"  # text passes only where it is empty: an all-null CSV column has no better type
    if spec.task != "regression":
        if kind.is_boolean() or kind.is_integer():
            return "int"
        if kind.is_floating() or kind.is_decimal():
            return "float"
        if kind.is_string() or kind.is_uuid():
            return "text"
    raise DataError(
        f"data.target: column {name!r} is of type {type_text(kind)}, which cannot be the label of a {spec.task} task"
    )


def _lacking(key: str, name: str, columns: Iterable[str], where: str) -> str:
    columns = tuple(columns)
    near = difflib.get_close_matches(name, columns, n=1)
    return (
        f"{key}: no column {name!r} in {where}; "
        + (f"did you mean {near[0]!r}? " if near else "")
        + f"It has {', '.join(columns[:30])}{', …' if len(columns) > 30 else ''}. Nothing was changed"
    )
