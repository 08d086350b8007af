"""Alembic migrations of the ledger, run by `Ledger.open`; there is no alembic.ini."""
