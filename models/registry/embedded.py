"""The embedded registry, read without MLflow: versions, tags and aliases straight from its SQLite file.

MLflow takes three seconds of CPU to import and two more to open its store, which a look that decides to hold, or
`ratoon status`, need not pay. Only read, only for the schema that is known (`REVISIONS`, by the mark that MLflow
itself leaves in the file), and never for a server: everything else, and every write, goes through MLflow's client.
A test holds what is read here equal to what MLflow's client says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ...spec.errors import RegistryError
from ...spec.stores import sqlite_file
from .versions import Version

REVISIONS = frozenset({"dc11669786a5"})  # of MLflow 3.17's tables
_DELETED = "Deleted_Internal"  # MLflow keeps the row of a deleted version, in this stage
_WAIT_SECONDS = 30.0  # for a writer's lock


class EmbeddedVersions:
    """One model's versions in the registry's SQLite *file*. Get one by `find`."""

    def __init__(self, file: Path, model: str) -> None:
        self.file = file
        self.model = model

    @classmethod
    def find(cls, uri: str, model: str) -> EmbeddedVersions | None:
        """The reader for *uri*; None where that is no SQLite file of a known schema: then only MLflow can read it."""
        file = sqlite_file(uri)
        if file is None or not file.is_file():
            return None
        found = cls(file, model)
        try:
            with closing(found._open()) as database:
                marks = {mark for (mark,) in database.execute("select version_num from alembic_version")}
        except sqlite3.Error:
            return None
        return found if marks and marks <= REVISIONS else None

    def aliases(self) -> dict[str, str]:
        """Each alias with the number it points to."""
        rows = self._rows(
            "select alias, version from registered_model_aliases where workspace = 'default' and name = ?"
        )
        return {str(row["alias"]): str(row["version"]) for row in rows}

    def versions(self, *, number: str | None = None, tag: tuple[str, str] | None = None) -> list[Version]:
        """The versions, newest first: all, the one of a *number*, or those with a *tag*."""
        where, values = "", []
        if number is not None:
            where, values = " and v.version = ?", [number]
        if tag is not None:
            where += (
                " and exists (select 1 from model_version_tags t where t.workspace = v.workspace and t.name = v.name"
                " and t.version = v.version and t.key = ? and t.value = ?)"
            )
            values += list(tag)
        rows = self._rows(
            "select v.version, v.description, v.creation_time, v.run_id from model_versions v "  # noqa: S608 - ours
            f"where v.workspace = 'default' and v.name = ? and v.current_stage != '{_DELETED}'{where} "
            "order by v.version desc",
            *values,
        )
        if not rows:
            return []
        aliases = self.aliases()
        tags: dict[str, dict[str, str]] = {}
        one, of_it = ([], "") if number is None else ([number], " and version = ?")
        for row in self._rows(
            "select version, key, value from model_version_tags "  # noqa: S608 - ours
            f"where workspace = 'default' and name = ?{of_it}",
            *one,
        ):
            tags.setdefault(str(row["version"]), {})[str(row["key"])] = str(row["value"])
        return [self._version(row, aliases, tags.get(str(row["version"]), {})) for row in rows]

    def files(self, number: str) -> Path | None:
        """The folder of a version's files; None where the file does not say, or the folder is not there."""
        for row in self._rows(
            "select storage_location from model_versions where workspace = 'default' and name = ? and version = ?",
            number,
        ):
            place = Path(str(row["storage_location"] or "").removeprefix("file://"))
            if place.is_absolute() and (place / "MLmodel").is_file():
                return place
        return None

    def _version(self, row: sqlite3.Row, aliases: Mapping[str, str], tags: Mapping[str, str]) -> Version:
        number = str(row["version"])
        return Version(
            model=self.model,
            number=number,
            aliases=tuple(sorted(alias for alias, target in aliases.items() if target == number)),
            tags=dict(tags),
            description=row["description"] or "",
            created=datetime.fromtimestamp(row["creation_time"] / 1000, UTC).replace(tzinfo=None),
            run_id=row["run_id"] or None,
        )

    def _rows(self, query: str, *values: str) -> list[sqlite3.Row]:
        try:
            with closing(self._open()) as database:
                return list(database.execute(query, (self.model, *values)))
        except sqlite3.Error as error:
            raise RegistryError(f"the registry at {self.file} does not answer: {error}. Nothing was changed") from error

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(f"{self.file.as_uri()}?mode=ro", uri=True, timeout=_WAIT_SECONDS)
        database.row_factory = sqlite3.Row
        return database
