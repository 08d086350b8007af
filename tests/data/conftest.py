"""Streams written into real stores, and the specs that point at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratoon.data.source import Source, open_source
from ratoon.spec.model import Spec

# Ibis 12 asks DuckDB 2 for Arrow by a name that DuckDB has deprecated.
_IBIS = "ignore:fetch_arrow_table.. is deprecated:DeprecationWarning"
_SQL = {"i": "bigint", "u": "bigint", "f": "double precision", "b": "boolean", "O": "text"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(_IBIS))


@dataclass
class Store:
    """One kind of place that rows can be kept in: writes a frame and says how a spec points at it."""

    kind: str
    folder: Path
    url: str | None = None

    def keep(self, frame: pd.DataFrame, name: str = "rows") -> dict[str, Any]:
        """Write *frame* (again), and return the `source`, or `url` and `table`, of the spec."""
        if self.kind == "postgres":
            return self._postgres(frame, f"{name}_{self.folder.name}".lower().replace("-", "_")[:60])
        path = self.folder / f"{name}.{self.kind}"
        if self.kind == "csv":
            frame.to_csv(path, index=False)
        else:
            pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
        return {"source": path.name}

    def _postgres(self, frame: pd.DataFrame, table: str) -> dict[str, Any]:
        import psycopg

        columns = ", ".join(f'"{name}" {_sql_type(frame[name])}' for name in frame)
        with psycopg.connect(self.url or "", autocommit=True) as connection:
            connection.execute(f'DROP TABLE IF EXISTS "{table}"')
            connection.execute(f'CREATE TABLE "{table}" ({columns})')
            with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" FROM STDIN') as copy:
                for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False):
                    copy.write_row(row)
        return {"url": self.url, "table": table}


def _sql_type(column: pd.Series) -> str:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return "timestamptz"
    if column.dtype.kind == "M":
        return "timestamp"
    return _SQL.get(column.dtype.kind, "text")


@pytest.fixture
def store_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Store]:
    """A store of the kind `parquet`, `csv` or `postgres` (skipped where there is no server)."""

    def build(kind: str) -> Store:
        return Store(kind, tmp_path, request.getfixturevalue("postgres_url") if kind == "postgres" else None)

    return build


@pytest.fixture
def parquet(store_of: Callable[[str], Store]) -> Store:
    return store_of("parquet")


@pytest.fixture(params=["parquet", "postgres"])
def store(request: pytest.FixtureRequest, store_of: Callable[[str], Store]) -> Store:
    """Each engine in turn."""
    return store_of(request.param)


@pytest.fixture(params=["parquet", "csv", "postgres"])
def any_store(request: pytest.FixtureRequest, store_of: Callable[[str], Store]) -> Store:
    """Each kind of store in turn; CSV is DuckDB again, but has types of its own."""
    return store_of(request.param)


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., Spec]:
    """Build a spec in *tmp_path* from the keys of `data`; `id`, `time` and `target` have these names."""

    def build(*, task: str = "regression", sample: int = 50_000, **data: Any) -> Spec:
        spec = Spec.model_validate(
            {
                "model": "probe",
                "task": task,
                "data": {"id": "id", "time": "time", "target": "target", **data},
                "learner": {"build": "training.py:build"},
                "monitors": {"sample": sample},
            }
        )
        spec._path = tmp_path / "spec.yaml"
        return spec

    return build


@pytest.fixture
def opened(spec_of: Callable[..., Spec]) -> Iterator[Callable[..., Source]]:
    """Open a source by the keys of `data`; closed after the test."""
    sources: list[Source] = []

    def build(**keys: Any) -> Source:
        expected = keys.pop("expected", None)
        sources.append(open_source(spec_of(**keys), expected=expected))
        return sources[-1]

    yield build
    for source in sources:
        source.close()


@pytest.fixture
def day() -> Callable[..., datetime]:
    """`day(3, 12)` is noon of 3 January 2024."""
    return lambda number, hour=0: datetime(2024, 1, number, hour)
