"""Three databases, one for each of Prefect, MLflow and the ledger: SQLite files in home, or on one PostgreSQL.

A password goes into a file of libpq's own form (`passfile`), readable by its owner only, and is named by path:
so it stands in no command line, no deployment in Prefect's database, and no log. Prefect's driver reads such files
differently (a colon or backslash is lost), so that Prefect's server alone gets it by its environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from ..spec.errors import BadInput
from ..spec.private import private_folder
from .kept_secrets import keep_private

NAME = "RATOON_DATABASE_URL"
_EXPECTED = "postgresql://user:password@host:5432/database"
_MAY_SAY = frozenset({"sslmode"})


@dataclass(frozen=True)
class Databases:
    """The databases' URLs, none of which holds a password; *for_prefect* is for its server's environment alone."""

    prefect: str
    mlflow: str
    ledger: str
    kind: str
    for_prefect: dict[str, str] = field(default_factory=dict, repr=False)


def databases(url: str | None, home: Path) -> Databases:
    """The databases of the installation in *home*; on PostgreSQL they are made where they are missing.

    Raises BadInput, before anything is made, where the server cannot be reached or *url* is no PostgreSQL.
    """
    if url is None:
        prefect = home / "prefect" / "prefect.db"
        private_folder(prefect.parent)
        return Databases(
            prefect=f"sqlite+aiosqlite:///{prefect}",
            mlflow=f"sqlite:///{home / 'mlflow.db'}",
            ledger=f"sqlite:///{home / 'ledger.db'}",
            kind="sqlite",
        )
    place = _read(url)
    names = database_names(place)
    _create_missing(place, names)
    passfile = home / "secrets" / "pgpass"
    query, for_prefect = dict(place.query), {}
    if place.password is not None:
        keep_private(passfile, _pass_line(str(place.password)))
        query["passfile"] = str(passfile)
        for_prefect["PGPASSWORD"] = str(place.password)
    open_place = place._replace(password=None)  # `set` takes None for "as it is"
    ssl = {"ssl": str(place.query["sslmode"])} if "sslmode" in place.query else {}
    return Databases(
        prefect=_text(open_place.set(drivername="postgresql+asyncpg", database=names[0], query=ssl)),
        mlflow=_text(open_place.set(drivername="postgresql+psycopg2", database=names[1], query=query)),
        ledger=_text(open_place.set(drivername="postgresql", database=names[2], query=query)),
        kind="postgresql",
        for_prefect=for_prefect,
    )


def database_names(place: URL) -> tuple[str, str, str]:
    """Named after the URL's database: `ratoon` gives `ratoon_prefect`, `ratoon_mlflow` and `ratoon_ledger`."""
    stem = place.database if place.database not in (None, "", "postgres") else "ratoon"
    return f"{stem}_prefect", f"{stem}_mlflow", f"{stem}_ledger"


def _read(url: str) -> URL:
    try:
        place = make_url(url)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise BadInput(f"${NAME} cannot be read as a URL; expected {_EXPECTED}. Nothing was started.") from None
    if place.drivername not in ("postgresql", "postgres"):
        raise BadInput(
            f"${NAME} is of kind {place.drivername!r}; expected {_EXPECTED}, or leave it out for SQLite. "
            "Nothing was started."
        )
    strange = sorted(set(place.query) - _MAY_SAY)
    if strange:
        raise BadInput(
            f"${NAME} says {strange[0]!r} after its `?`, which Prefect's driver does not know; only `sslmode` may "
            "stand there. Nothing was started. Set it for the database or its user instead."
        )
    return place.set(drivername="postgresql+psycopg2")


def _create_missing(place: URL, names: tuple[str, ...]) -> None:
    with _maintenance(place) as connection:
        known = set(connection.scalars(text("SELECT datname FROM pg_database")))
        for name in names:
            if name in known:
                continue
            try:
                connection.execute(text(f'CREATE DATABASE "{name.replace(chr(34), chr(34) * 2)}"'))
            except DBAPIError as error:
                raise BadInput(
                    f"The database {name} is missing and {place.username} cannot make it: {_reason(error)}. Nothing "
                    f'was started. Let an owner run: CREATE DATABASE "{name}" OWNER "{place.username}";'
                ) from None


@contextmanager
def _maintenance(place: URL) -> Iterator[Connection]:
    """A connection outside of any transaction to the URL's own database, or to `postgres` where that is missing."""
    wrong: DBAPIError | None = None
    for database in dict.fromkeys((place.database or "postgres", "postgres")):
        engine = create_engine(
            place.set(database=database),
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            connect_args={"connect_timeout": 10},
        )
        try:
            connection = engine.connect()
        except ImportError:
            break
        except DBAPIError as error:
            wrong = wrong or error
            continue
        with connection:
            yield connection
        return
    shown = place.render_as_string(hide_password=True)
    raise BadInput(
        f"PostgreSQL at {shown} (${NAME}) cannot be used: {_reason(wrong)}. Nothing was started. "
        "Check that the server runs, and user and password."
    )


def _reason(error: DBAPIError | None) -> str:
    if error is None:
        return "its driver is not installed (pip install 'ratoon[postgres]')"
    return str(error.orig).strip().splitlines()[0]


def _pass_line(password: str) -> str:
    """For any place: only this installation reads the file."""
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return f"*:*:*:*:{escaped}\n"


def _text(place: URL) -> str:
    return place.render_as_string(hide_password=False)
