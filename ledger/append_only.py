"""The triggers that keep the ledger's tables append-only, by dialect.

Migrations use these texts: changing one here needs a migration that replaces the triggers of older ledgers
(a test holds new and migrated ledgers together).
"""

from __future__ import annotations

from collections.abc import Iterator

# Each table with its keys: SQLite's REPLACE deletes without a word, so that an insert over a row that has
# the same primary key, or breaks another uniqueness, is to be refused as well.
Keys = tuple[tuple[str, ...], ...]
FIRST: dict[str, Keys] = {
    "windows": (("id",),),
    "decisions": (("id",),),
    "signals": (("decision", "position"),),
    "flights": (("model", "number"),),
    "landings": (("model", "number"),),
    "promotions": (("id",),),
}
SECOND: dict[str, Keys] = {
    "policies": (("version",),),
    "scores": (("id",), ("decision",)),
    "reviews": (("id",), ("model", "version", "verdict")),
}
THIRD: dict[str, Keys] = {"catches": (("id",),)}
FOURTH: dict[str, Keys] = {"acceptances": (("id",),)}
FIFTH: dict[str, Keys] = {"offers": (("model", "decision", "version"),)}
SIXTH: dict[str, Keys] = {
    "version_files": (("model", "version"),),
    "intended_files": (("model", "decision", "digest"),),
}
FORMER_RUNS: dict[str, Keys] = {
    name: FIRST[name] for name in ("flights", "landings")
}  # of revisions before the seventh
SEVENTH: dict[str, Keys] = {"training_runs": (("model", "number"),), "training_run_ends": (("model", "number"),)}
EIGHTH: dict[str, Keys] = {"swaps": (("id",),)}
_FIRST_NOW = {name: keys for name, keys in FIRST.items() if name not in FORMER_RUNS}
ALL: dict[str, Keys] = (
    _FIRST_NOW | SECOND | THIRD | FOURTH | FIFTH | SIXTH | SEVENTH | EIGHTH
)  # as they are at the newest
POSTGRES_FUNCTION = (
    "CREATE FUNCTION ratoon_ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION 'the ledger is append-only: % of % is refused', TG_OP, TG_TABLE_NAME "
    "USING ERRCODE = 'integrity_constraint_violation'; END $$"
)


def triggers(dialect: str, tables: dict[str, Keys]) -> Iterator[str]:
    """The statements that make *tables* append-only; PostgreSQL's call POSTGRES_FUNCTION."""
    for table, keys in tables.items():
        yield from _postgres(table) if dialect == "postgresql" else _sqlite(table, keys)


def drops(dialect: str, tables: dict[str, Keys]) -> Iterator[str]:
    """The statements that take the triggers of *tables* away: for a migration that moves rows, and sets them again."""
    for table in tables:
        if dialect == "postgresql":
            yield f"DROP TRIGGER {table}_append_only ON {table}"
            continue
        for what in ("update", "delete", "replace"):
            yield f"DROP TRIGGER {table}_no_{what}"


def _postgres(table: str) -> Iterator[str]:
    yield (
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION ratoon_ledger_refuse()"
    )


def _sqlite(table: str, keys: Keys) -> Iterator[str]:
    for verb in ("UPDATE", "DELETE"):
        yield (
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
            f"SELECT RAISE(ABORT, 'the ledger is append-only: {verb} of {table} is refused'); END"
        )
    same = " OR ".join(" AND ".join(f"{name} = NEW.{name}" for name in key) for key in keys)
    yield (
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - names from above
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN "
        f"SELECT RAISE(ABORT, 'the ledger is append-only: REPLACE of {table} is refused'); END"
    )
