"""Bring a database to the ledger's newest revision, whoever else opens it at the same moment."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from ..spec.errors import BadInput
from ..system.databases import awaited, opening, shown
from .create import create
from .engine import LEDGER, writing
from .tables import HEAD, VERSION_TABLE, Base

FOLDER = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Create or upgrade the tables. Only an older ledger costs Alembic.

    Raises Unavailable where its server does not answer, and BadInput where the database cannot be opened, is newer
    than this code, or has tables of somebody else under the ledger's names.
    """
    awaited(engine, LEDGER)
    with opening(engine, LEDGER):
        with engine.connect() as connection:
            if _revision(connection) == HEAD:
                return
        with writing(engine) as connection:
            revision = _revision(connection)  # again, now that nobody else can migrate
            if revision == HEAD:
                return
            if revision is None:
                _refuse_strangers(connection)
                create(connection)
            else:
                upgrade(connection, revision)


def _revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for one without a ledger."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  # our own name


def _refuse_strangers(connection: Connection) -> None:
    found = sorted(set(inspect(connection).get_table_names()) & set(Base.metadata.tables))
    if found:
        raise BadInput(
            f"the database {shown(connection.engine.url)} already has tables named {', '.join(found)} that are "
            "not a ledger's; nothing was changed. Give the ledger a database or a schema of its own."
        )


def upgrade(connection: Connection, revision: str | None, to: str = HEAD) -> None:
    """Run the migrations after *revision* (None: all) up to *to*. Raises BadInput for one that is not known."""
    # Alembic costs a third of a second to import: only a database that needs it pays.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    if revision is not None and revision not in known:
        raise BadInput(
            f"the ledger {shown(connection.engine.url)} is at revision {revision}, newer than the {HEAD} that this "
            "Ratoon knows; nothing was changed. Upgrade Ratoon, or point stores.ledger to another database."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, to)
