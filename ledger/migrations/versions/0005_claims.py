"""Who works at a model just now, and which version each decision offered.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

# Alembic runs this file outside any package: no relative import here.
from ratoon.ledger.append_only import FIFTH, triggers

revision = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; claims change in place, offers are append-only. A run in the air has no claim: it resumes."""
    op.create_table(
        "claims",
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("what", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
    )
    op.create_table(
        "offers",
        sa.Column("model", sa.String(), primary_key=True),
        sa.Column("decision", sa.String(), primary_key=True),
        sa.Column("version", sa.String(), primary_key=True),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("taken_back", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
    )
    for statement in triggers(op.get_bind().dialect.name, FIFTH):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: a ledger does not forget."""
    raise NotImplementedError("a ledger does not forget: restore a backup to go back before revision 0005")
