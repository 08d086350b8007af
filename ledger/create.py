"""A new ledger at once, without Alembic: tables, triggers and the stamp of the newest revision.

Alembic takes half a second to import and to run, and a backtest opens many ledgers. A test holds what is made
here equal to what the migrations make.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, String, Table

from .append_only import ALL, POSTGRES_FUNCTION, triggers
from .tables import HEAD, VERSION_TABLE, Base

_STAMP = Table(  # as Alembic itself would make it
    VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True, nullable=False)
)
_STAMP.primary_key.name = f"{VERSION_TABLE}_pkc"


def create(connection: Connection) -> None:
    """Make all that a ledger of revision HEAD has; the caller's transaction holds the write lock."""
    dialect = connection.dialect.name
    Base.metadata.create_all(connection, checkfirst=False)
    if dialect == "postgresql":
        connection.exec_driver_sql(POSTGRES_FUNCTION.replace("%", "%%"))
    for statement in triggers(dialect, ALL):
        connection.exec_driver_sql(statement)
    _STAMP.create(connection, checkfirst=False)
    connection.execute(_STAMP.insert(), {"version_num": HEAD})
