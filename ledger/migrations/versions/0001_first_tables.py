"""The first tables, append-only by triggers.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

# Each table with its primary key: SQLite's REPLACE deletes without a word, so an insert over an existing
# key has to be refused as well.
TABLES: dict[str, tuple[str, ...]] = {
    "windows": ("id",),
    "decisions": ("id",),
    "signals": ("decision", "position"),
    "flights": ("model", "number"),
    "landings": ("model", "number"),
    "promotions": ("id",),
}


def upgrade() -> None:
    """Create the tables, their indexes and the triggers that keep them append-only."""
    _decisions()
    _runs()
    _promotions()
    _append_only()


def _decisions() -> None:
    op.create_table(
        "windows",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("start", sa.DateTime(), nullable=False),
        sa.Column("end", sa.DateTime(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        _recorded(),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=True),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("champion", sa.String(), nullable=True),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("window_id", sa.Integer(), sa.ForeignKey("windows.id"), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        _recorded(),
    )
    op.create_index("decisions_by_time", "decisions", ["model", "at"])
    op.create_table(
        "signals",
        sa.Column("decision", sa.String(), sa.ForeignKey("decisions.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("window_id", sa.Integer(), sa.ForeignKey("windows.id"), nullable=True),
        sa.Column("monitor", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("column", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        _recorded(),
    )


def _runs() -> None:
    op.create_table(
        "flights",
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("decision", sa.String(), sa.ForeignKey("decisions.id"), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("taken_off", sa.DateTime(), nullable=False),
        sa.Column("run", sa.String(), nullable=True),
        _recorded(),
    )
    op.create_index("flights_by_decision", "flights", ["decision"])
    op.create_table(
        "landings",
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("cpu_seconds", sa.Double(), nullable=False),
        sa.Column("watermark", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        _recorded(),
        sa.ForeignKeyConstraint(["model", "number"], ["flights.model", "flights.number"]),
    )


def _promotions() -> None:
    op.create_table(
        "promotions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        _recorded(),
    )
    op.create_index("promotions_by_time", "promotions", ["model", "at"])


def _recorded() -> sa.Column[datetime]:
    return sa.Column("recorded_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False)


def _append_only() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION ratoon_ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'the ledger is append-only: % of % is refused', TG_OP, TG_TABLE_NAME "
            "USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        for table in TABLES:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION ratoon_ledger_refuse()"
            )
        return
    for table, key in TABLES.items():
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
                f"SELECT RAISE(ABORT, 'the ledger is append-only: {verb} of {table} is refused'); END"
            )
        same = " AND ".join(f"{name} = NEW.{name}" for name in key)
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - names from above
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN "
            f"SELECT RAISE(ABORT, 'the ledger is append-only: REPLACE of {table} is refused'); END"
        )


def downgrade() -> None:
    """There is no way back: a ledger does not forget."""
    raise NotImplementedError("a ledger does not forget: restore a backup to go back before revision 0001")
