"""Questions to an engine that are asked again and again at other moments.

Building and compiling an expression costs Ibis 50 to 100 ms, far more than DuckDB needs to answer it over a
few thousand rows. So each question is compiled once per source, with named slots for its moments.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import pyarrow as pa

from .engine import Engine
from .moment import written


@dataclass(frozen=True)
class _Compiled:
    sql: str
    schema: pa.Schema


class Questions:
    """The questions put to one engine so far, by name and shape."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[Hashable, _Compiled] = {}

    def rows(self, shape: Hashable, build: Callable[[], Any], /, **moments: datetime) -> pa.Table:
        """The answer of `build()`, an expression whose moments are slots, at these *moments*.

        *shape* must tell apart all that `build` depends on, but for the moments.
        """
        known = self._known.get(shape)
        if known is None:
            expression = build()
            known = _Compiled(self._engine.compile(expression), expression.schema().to_pyarrow())
            self._known[shape] = known
        sql = known.sql
        for name, moment in moments.items():
            sql = sql.replace(f"'{_mark(name)}'", f"'{written(moment)}'")
        return self._engine.fetch(sql, known.schema)

    def one(self, shape: Hashable, build: Callable[[], Any], /, **moments: datetime) -> dict[str, Any]:
        """The single row that `build()` answers with, such as an aggregate, as Python values."""
        row: dict[str, Any] = self.rows(shape, build, **moments).to_pylist()[0]
        return row


def slot(name: str) -> Any:
    """A moment to be filled in when the question is asked."""
    return ibis.literal(_mark(name)).cast("timestamp(6)")


def _mark(name: str) -> str:
    return f"<ratoon {name}>"
