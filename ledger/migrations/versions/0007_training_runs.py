"""Training runs and their ends under the names that the code has for them; every row stays as it is.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from alembic import op

# Alembic runs this file outside any package: no relative import here.
from ratoon.ledger.append_only import FORMER_RUNS, SEVENTH, drops, triggers

revision = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None

# PostgreSQL names constraints after the table that they were made for, and keeps those names.
CONSTRAINTS = {
    "training_runs": {
        "flights_pkey": "training_runs_pkey",
        "flights_decision_fkey": "training_runs_decision_fkey",
    },
    "training_run_ends": {
        "landings_pkey": "training_run_ends_pkey",
        "landings_model_number_fkey": "training_run_ends_model_number_fkey",
    },
}


def upgrade() -> None:
    """Rename tables, column, index and constraints, and set the triggers again, which name the tables."""
    dialect = op.get_bind().dialect.name
    for statement in drops(dialect, FORMER_RUNS):
        op.execute(statement)
    op.drop_index("flights_by_decision", "flights")
    op.rename_table("flights", "training_runs")
    op.rename_table("landings", "training_run_ends")
    op.execute("ALTER TABLE training_runs RENAME COLUMN taken_off TO claimed_at")
    op.create_index("training_runs_by_decision", "training_runs", ["decision"])
    if dialect == "postgresql":
        for table, names in CONSTRAINTS.items():
            for former, name in names.items():
                op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {former} TO {name}")
    for statement in triggers(dialect, SEVENTH):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: a ledger does not forget."""
    raise NotImplementedError("a ledger does not forget: restore a backup to go back before revision 0007")
