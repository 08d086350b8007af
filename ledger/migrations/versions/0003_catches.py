"""Champion aliases that were caught: moved to a version that no gate passed, or gone.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

# Alembic runs this file outside any package: no relative import here.
from ratoon.ledger.append_only import THIRD, triggers

revision = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with its triggers; what is in the ledger stays as it is."""
    op.create_table(
        "catches",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("previous", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("done", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
    )
    op.create_index("catches_by_time", "catches", ["model", "at"])
    for statement in triggers(op.get_bind().dialect.name, THIRD):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: a ledger does not forget."""
    raise NotImplementedError("a ledger does not forget: restore a backup to go back before revision 0003")
