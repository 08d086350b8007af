"""The log's tables, as SQLAlchemy knows them. All times are naive UTC.

`clocks` is the one table that changes in place, and goes forward only; the others are append-only by triggers, which
let a row go if a seal or a prune covers it. Values are JSON text, since JSON columns know no NaN.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import UserDefinedType

VERSION_TABLE = "ratoon_log_version"  # of its own, so that a log may share a database with a ledger
HEAD = "0001"  # the newest revision in migrations/versions; a test holds the two together

metadata = MetaData()


class JsonText(UserDefinedType[str]):
    """JSON text here, parsed once by PostgreSQL, so that its queries find a feature at once."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSONB"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[object], str | None]:
        """Its driver gives it back as Python objects."""
        return lambda value: value if value is None or isinstance(value, str) else json.dumps(value)


_Features = Text().with_variant(JsonText(), "postgresql")
_Number = BigInteger().with_variant(Integer, "sqlite")


def _number() -> Column[int]:
    """A number that is never given twice. In SQLite a plain primary key would start again after all rows are gone."""
    return Column("n", _Number, primary_key=True, autoincrement=True)


# A partition's newest *arrival*, of its labels alone (*labelled*), and until when it is closed: nothing may be written
# there any more. Each stamp is later than all three.
clocks = Table(
    "log_clocks",
    metadata,
    Column("model", String, primary_key=True),
    Column("partition", String, primary_key=True),
    Column("arrival", DateTime, nullable=False),
    Column("labelled", DateTime),
    Column("closed", DateTime),
)

# The kinds of value that a feature, the label or the prediction (by *role*) has held, in the order of their coming.
columns = Table(
    "log_columns",
    metadata,
    _number(),
    Column("model", String, nullable=False),
    Column("role", String, nullable=False),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    UniqueConstraint("model", "role", "name", "kind", name="log_columns_once"),
    sqlite_autoincrement=True,
)

predictions = Table(
    "log_predictions",
    metadata,
    _number(),
    Column("model", String, nullable=False),
    Column("partition", String, nullable=False),
    Column("row_id", String, nullable=False),
    Column("time", DateTime, nullable=False),
    Column("arrival", DateTime, nullable=False),
    Column("version", String, nullable=False),
    Column("watermark", DateTime),
    Column("arm", String, nullable=False),
    Column("features", _Features, nullable=False),
    Column("prediction", Text),
    UniqueConstraint("model", "row_id", name="log_predictions_once"),
    Index("log_predictions_in_order", "model", "partition", "n"),
    sqlite_autoincrement=True,
)

# Labels whose prediction is in the log. Those that came before it wait in `waiting`, and get their arrival with it.
labels = Table(
    "log_labels",
    metadata,
    _number(),
    Column("model", String, nullable=False),
    Column("partition", String, nullable=False),
    Column("event_id", String, nullable=False),
    Column("row_id", String, nullable=False),
    Column("arrival", DateTime, nullable=False),
    Column("value", Text, nullable=False),
    UniqueConstraint("model", "event_id", "value", name="log_labels_once"),
    Index("log_labels_by_row", "model", "row_id"),
    Index("log_labels_in_order", "model", "partition", "n"),
    sqlite_autoincrement=True,
)

waiting = Table(
    "log_waiting",
    metadata,
    _number(),
    Column("model", String, nullable=False),
    Column("partition", String, nullable=False),
    Column("event_id", String, nullable=False),
    Column("row_id", String, nullable=False),
    Column("received", DateTime, nullable=False),
    Column("value", Text, nullable=False),
    UniqueConstraint("model", "event_id", "value", name="log_waiting_once"),
    Index("log_waiting_by_row", "model", "row_id"),
    sqlite_autoincrement=True,
)

# The ids of predictions that lie in sealed files, so that none is taken twice and every label finds its row.
sealed_rows = Table(
    "log_sealed_rows",
    metadata,
    Column("model", String, primary_key=True),
    Column("row_id", String, primary_key=True),
    Column("partition", String, nullable=False),
    Column("day", String, nullable=False),
    sqlite_with_rowid=False,
)

# One file for each closed day, partition and kind ("predictions", "labels"); positions first_n to last_n.
seals = Table(
    "log_seals",
    metadata,
    _number(),
    Column("model", String, nullable=False),
    Column("partition", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("day", String, nullable=False),
    Column("file", String, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("first_n", BigInteger, nullable=False),
    Column("last_n", BigInteger, nullable=False),
    Column("sealed_at", DateTime, nullable=False),
    UniqueConstraint("model", "partition", "kind", "day", name="log_seals_once"),
    sqlite_autoincrement=True,
)

# All of a model that arrived before *until* is let go.
prunes = Table(
    "log_prunes",
    metadata,
    _number(),
    Column("model", String, nullable=False),
    Column("until", DateTime, nullable=False),
    Column("at", DateTime, nullable=False),
    sqlite_autoincrement=True,
)
