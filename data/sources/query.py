"""Questions to an engine that are asked again and again at other moments.

Building and compiling an expression costs Ibis 50 to 100 ms, far more than DuckDB needs to answer it over a
few thousand rows. So each question is compiled once, with named slots for its moments, for all sources of a process
that are laid out alike: a model's source is opened at each of its looks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from .engine import Engine
from .moment import Moment, written


@dataclass(frozen=True)
class _Compiled:
    sql: str
    schema: pa.Schema


_SOURCES = 500  # models of a process whose questions are remembered, the longest unused forgotten first
_ASKED: OrderedDict[Hashable, dict[Hashable, _Compiled]] = OrderedDict()
_LOCK = Lock()


class Questions:
    """The questions put to one engine so far, by name and shape.

    *alike* must be equal only for sources of which every question is the same SQL; None: this one stands alone.
    """

    def __init__(self, engine: Engine, alike: Hashable | None = None) -> None:
        self._engine = engine
        self._known = {} if alike is None else _remembered(alike)

    def rows(self, shape: Hashable, build: Callable[[], ir.Table], /, **moments: datetime) -> pa.Table:
        """The answer of `build()`, an expression whose moments are slots, at these *moments*.

        *shape* must tell apart all that `build` depends on, but for the moments; what is asked once has None.
        """
        known = self._known.get(shape) if shape is not None else None
        if known is None:
            expression = build()
            known = _Compiled(self._engine.compile(expression), expression.schema().to_pyarrow())
            if shape is not None:
                self._known[shape] = known
        sql = known.sql
        for name, moment in moments.items():
            sql = sql.replace(f"'{_mark(name)}'", f"'{written(moment)}'")
        return self._engine.fetch(sql, known.schema)

    def one(self, shape: Hashable, build: Callable[[], ir.Table], /, **moments: datetime) -> dict[str, Any]:
        """The single row that `build()` answers with, such as an aggregate, as Python values."""
        row: dict[str, Any] = self.rows(shape, build, **moments).to_pylist()[0]
        return row


def _remembered(alike: Hashable) -> dict[Hashable, _Compiled]:
    with _LOCK:
        found = _ASKED.setdefault(alike, {})
        _ASKED.move_to_end(alike)
        while len(_ASKED) > _SOURCES:
            _ASKED.popitem(last=False)
        return found


def slot(name: str) -> Moment:
    """A moment to be filled in when the question is asked."""
    return ibis.literal(_mark(name)).cast("timestamp(6)")


def _mark(name: str) -> str:
    return f"<ratoon {name}>"
