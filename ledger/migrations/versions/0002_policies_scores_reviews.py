"""Policies by version, what became of each decision, and what reviewers said.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

# Alembic runs this file outside any package: no relative import here.
from ratoon.ledger.append_only import SECOND, triggers

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables with their triggers; what is in the ledger stays as it is."""
    op.create_table(
        "policies",
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("document", sa.Text(), nullable=False),
        _recorded(),
    )
    op.create_table(
        "scores",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("decision", sa.String(), sa.ForeignKey("decisions.id"), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("gain", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        _recorded(),
        sa.UniqueConstraint("decision", name="scores_once"),
    )
    op.create_index("scores_by_time", "scores", ["model", "at"])
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        _recorded(),
        sa.UniqueConstraint("model", "version", "verdict", name="reviews_once"),
    )
    for statement in triggers(op.get_bind().dialect.name, SECOND):
        op.execute(statement)


def _recorded() -> sa.Column[datetime]:
    return sa.Column("recorded_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False)


def downgrade() -> None:
    """There is no way back: a ledger does not forget."""
    raise NotImplementedError("a ledger does not forget: restore a backup to go back before revision 0002")
