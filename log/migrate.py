"""Bring a database to the log's newest revision, whoever else opens it at the same moment."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, text

from ..spec.errors import BadInput
from ..system.databases import awaited, opening, shown
from .append_only import FIRST, POSTGRES_FUNCTION, triggers
from .engine import LOG, WHOLE_LOG, writing
from .tables import HEAD, VERSION_TABLE, metadata

FOLDER = Path(__file__).parent / "migrations"
_STAMP = Table(  # as Alembic itself would make it
    VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True, nullable=False)
)
_STAMP.primary_key.name = f"{VERSION_TABLE}_pkc"


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables. Only an older log costs Alembic, which takes half a second.

    Raises Unavailable if its server does not answer, and BadInput if the database cannot be opened, is newer than this
    code, or has tables of somebody else under the log's names.
    """
    awaited(engine, LOG)
    with opening(engine, LOG):
        with engine.connect() as connection:
            if _revision(connection) == HEAD:
                return
        with writing(engine, [WHOLE_LOG]) as connection:
            revision = _revision(connection)  # again, now that nobody else can migrate
            if revision == HEAD:
                return
            if revision is None:
                _refuse_strangers(connection)
                create(connection)
            else:
                upgrade(connection, revision)


def create(connection: Connection) -> None:
    """Make all that a log of revision HEAD has, without Alembic; a test holds it equal to what the migrations make."""
    dialect = connection.dialect.name
    metadata.create_all(connection, checkfirst=False)
    if dialect == "postgresql":
        connection.exec_driver_sql(POSTGRES_FUNCTION.replace("%", "%%"))
    for statement in triggers(dialect, FIRST):
        connection.exec_driver_sql(statement)
    _STAMP.create(connection, checkfirst=False)
    connection.execute(_STAMP.insert(), {"version_num": HEAD})


def _revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for one without a log."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  # our own name


def _refuse_strangers(connection: Connection) -> None:
    found = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if found:
        raise BadInput(
            f"the database {shown(connection.engine.url)} already has tables named {', '.join(found)} that are "
            "not a log's; nothing was changed. Give the log a database or a schema of its own."
        )


def upgrade(connection: Connection, revision: str | None, to: str = HEAD) -> None:
    """Run the migrations after *revision* (None: all) up to *to*. Raises BadInput for one that is not known."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    if revision is not None and revision not in known:
        raise BadInput(
            f"the log {shown(connection.engine.url)} is at revision {revision}, newer than the {HEAD} that this "
            "Ratoon knows; nothing was changed. Upgrade Ratoon, or point stores.log to another database."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, to)
