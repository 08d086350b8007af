"""Windows of broken data that a person declared sound.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

# Alembic runs this file outside any package: no relative import here.
from ratoon.ledger.append_only import FOURTH, triggers

revision = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with its triggers; what is in the ledger stays as it is."""
    op.create_table(
        "acceptances",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("start", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
    )
    op.create_index("acceptances_by_time", "acceptances", ["model", "at"])
    for statement in triggers(op.get_bind().dialect.name, FOURTH):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: a ledger does not forget."""
    raise NotImplementedError("a ledger does not forget: restore a backup to go back before revision 0004")
