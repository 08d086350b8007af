"""The triggers that keep the log append-only, by dialect.

A row is let go only if a seal or a prune that stands in the database covers it; a clock never goes back.
Migrations use these texts: changing one here needs a migration that replaces the triggers of older logs
(a test holds new and migrated logs together).
"""

from __future__ import annotations

from collections.abc import Iterator

# Each table with its keys, and when a row may go ("OLD" is the row). SQLite's REPLACE deletes without a word, so that
# an insert over a row with an equal key is refused as well.
Keys = tuple[tuple[str, ...], ...]
_PRUNED = "EXISTS (SELECT 1 FROM log_prunes p WHERE p.model = OLD.model AND OLD.{time} < p.until)"
_SEALED = (
    "EXISTS (SELECT 1 FROM log_seals s WHERE s.model = OLD.model AND s.partition = OLD.partition "
    "AND s.kind = 'predictions' AND OLD.n BETWEEN s.first_n AND s.last_n)"
)
_LABELLED = (
    "EXISTS (SELECT 1 FROM log_labels l WHERE l.model = OLD.model AND l.event_id = OLD.event_id "
    "AND l.value = OLD.value)"
)
FIRST: dict[str, tuple[Keys, str]] = {
    "log_columns": ((("n",), ("model", "role", "name", "kind")), ""),
    "log_predictions": ((("n",), ("model", "row_id")), f"{_SEALED} OR {_PRUNED.format(time='arrival')}"),
    "log_labels": ((("n",), ("model", "event_id", "value")), _PRUNED.format(time="arrival")),
    "log_waiting": ((("n",), ("model", "event_id", "value")), f"{_LABELLED} OR {_PRUNED.format(time='received')}"),
    "log_sealed_rows": (
        (("model", "row_id"),),
        "EXISTS (SELECT 1 FROM log_prunes p WHERE p.model = OLD.model "
        "AND OLD.day < substr(CAST(p.until AS VARCHAR), 1, 10))",
    ),
    "log_seals": ((("n",), ("model", "partition", "kind", "day")), ""),
    "log_prunes": ((("n",),), ""),
}
_WORDS = "the log is append-only"
POSTGRES_FUNCTION = (
    "CREATE FUNCTION ratoon_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"RAISE EXCEPTION '{_WORDS}: % of % is refused', TG_OP, TG_TABLE_NAME "
    "USING ERRCODE = 'integrity_constraint_violation'; END $$"
)


def triggers(dialect: str, tables: dict[str, tuple[Keys, str]]) -> Iterator[str]:
    """The statements that make *tables* append-only; PostgreSQL's call POSTGRES_FUNCTION."""
    for table, (keys, may_go) in tables.items():
        yield from _postgres(table, may_go) if dialect == "postgresql" else _sqlite(table, keys, may_go)
    yield from _clocks(dialect)


def _postgres(table: str, may_go: str) -> Iterator[str]:
    refuse = "EXECUTE FUNCTION ratoon_log_refuse()"
    yield f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR TRUNCATE ON {table} FOR EACH STATEMENT {refuse}"
    if not may_go:
        yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW {refuse}"
        return
    # A condition of a trigger may hold no query in PostgreSQL: the function of this table asks.
    yield (
        f"CREATE FUNCTION ratoon_{table}_may_go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {may_go} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION '{_WORDS}: DELETE of {table} is refused' USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$"
    )
    yield (
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION ratoon_{table}_may_go()"
    )


def _sqlite(table: str, keys: Keys, may_go: str) -> Iterator[str]:
    yield (
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN "
        f"SELECT RAISE(ABORT, '{_WORDS}: UPDATE of {table} is refused'); END"
    )
    unless = f"WHEN NOT ({may_go}) " if may_go else ""
    yield (
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {unless}BEGIN "
        f"SELECT RAISE(ABORT, '{_WORDS}: DELETE of {table} is refused'); END"
    )
    same = " OR ".join("(" + " AND ".join(f"{name} = NEW.{name}" for name in key) + ")" for key in keys)
    yield (
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - names from above
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN "
        f"SELECT RAISE(ABORT, '{_WORDS}: REPLACE of {table} is refused'); END"
    )


def _clocks(dialect: str) -> Iterator[str]:
    back = "NEW.arrival < OLD.arrival OR NEW.model <> OLD.model OR NEW.partition <> OLD.partition"
    if dialect == "postgresql":
        refuse = "EXECUTE FUNCTION ratoon_log_refuse()"
        yield f"CREATE TRIGGER log_clocks_forward BEFORE UPDATE ON log_clocks FOR EACH ROW WHEN ({back}) {refuse}"
        yield f"CREATE TRIGGER log_clocks_kept BEFORE DELETE OR TRUNCATE ON log_clocks FOR EACH STATEMENT {refuse}"
        return
    yield (
        f"CREATE TRIGGER log_clocks_forward BEFORE UPDATE ON log_clocks WHEN {back} BEGIN "
        f"SELECT RAISE(ABORT, '{_WORDS}: a clock goes forward only'); END"
    )
    yield (
        "CREATE TRIGGER log_clocks_kept BEFORE DELETE ON log_clocks BEGIN "
        f"SELECT RAISE(ABORT, '{_WORDS}: DELETE of log_clocks is refused'); END"
    )
    yield (
        "CREATE TRIGGER log_clocks_no_replace BEFORE INSERT ON log_clocks WHEN EXISTS (SELECT 1 FROM log_clocks "  # noqa: S608  # our own names
        "WHERE model = NEW.model AND partition = NEW.partition) BEGIN "
        f"SELECT RAISE(ABORT, '{_WORDS}: REPLACE of log_clocks is refused'); END"
    )
