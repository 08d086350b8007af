"""The first tables, append-only by triggers.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

# The texts of the triggers: a later revision that changes them replaces these.
from ratoon.log.append_only import FIRST, POSTGRES_FUNCTION, triggers

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, their indexes and the triggers that keep them append-only."""
    _tables()
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(POSTGRES_FUNCTION)
    for statement in triggers(dialect, FIRST):
        op.execute(statement)


def _number() -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("n", number, primary_key=True, autoincrement=True)


def _tables() -> None:
    _clocks_and_columns()
    _what_came()
    _what_was_sealed()


def _clocks_and_columns() -> None:
    op.create_table(
        "log_clocks",
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("partition", sa.String(), primary_key=True),
        sa.Column("arrival", sa.DateTime(), nullable=False),
        sa.Column("labelled", sa.DateTime(), nullable=True),
        sa.Column("closed", sa.DateTime(), nullable=True),
    )
    op.create_table(
        "log_columns",
        _number(),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.UniqueConstraint("model", "role", "name", "kind", name="log_columns_once"),
        sqlite_autoincrement=True,
    )


def _what_came() -> None:
    op.create_table(
        "log_predictions",
        _number(),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("partition", sa.String(), nullable=False),
        sa.Column("row_id", sa.String(), nullable=False),
        sa.Column("time", sa.DateTime(), nullable=False),
        sa.Column("arrival", sa.DateTime(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("watermark", sa.DateTime(), nullable=True),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("features", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("prediction", sa.Text(), nullable=True),
        sa.UniqueConstraint("model", "row_id", name="log_predictions_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("log_predictions_in_order", "log_predictions", ["model", "partition", "n"])
    op.create_table(
        "log_labels",
        _number(),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("partition", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("row_id", sa.String(), nullable=False),
        sa.Column("arrival", sa.DateTime(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.UniqueConstraint("model", "event_id", "value", name="log_labels_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("log_labels_by_row", "log_labels", ["model", "row_id"])
    op.create_index("log_labels_in_order", "log_labels", ["model", "partition", "n"])
    op.create_table(
        "log_waiting",
        _number(),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("partition", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("row_id", sa.String(), nullable=False),
        sa.Column("received", sa.DateTime(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.UniqueConstraint("model", "event_id", "value", name="log_waiting_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("log_waiting_by_row", "log_waiting", ["model", "row_id"])


def _what_was_sealed() -> None:
    op.create_table(
        "log_sealed_rows",
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("row_id", sa.String(), primary_key=True),
        sa.Column("partition", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_seals",
        _number(),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("partition", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("first_n", sa.BigInteger(), nullable=False),
        sa.Column("last_n", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("model", "partition", "kind", "day", name="log_seals_once"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "log_prunes",
        _number(),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """There is no way back: a log does not forget."""
    raise NotImplementedError("a log does not forget: restore a backup to go back before revision 0001")
