"""Alembic migrations of the log, run by `open_log`; there is no alembic.ini."""
