"""Digests of versions' files in tables of their own; those that stood among the reviews move there.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

# Alembic runs this file outside any package: no relative import here.
from ratoon.ledger.append_only import SECOND, SIXTH, drops, triggers

revision = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and move what is theirs; all other reviews stay as they are."""
    op.create_table(
        "version_files",
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
    )
    op.create_table(
        "intended_files",
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("decision", sa.String(), primary_key=True),
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("recorded_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
    )
    op.execute(
        "INSERT INTO version_files (model, version, digest, at, decision, recorded_at) "
        "SELECT model, version, reason, at, decision, recorded_at FROM reviews WHERE verdict = 'registered'"
    )
    dialect, reviews = op.get_bind().dialect.name, {"reviews": SECOND["reviews"]}
    for statement in drops(dialect, reviews):
        op.execute(statement)
    op.execute("DELETE FROM reviews WHERE verdict = 'registered'")
    for statement in triggers(dialect, reviews | SIXTH):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: a ledger does not forget."""
    raise NotImplementedError("a ledger does not forget: restore a backup to go back before revision 0006")
