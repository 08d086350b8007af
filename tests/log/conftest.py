"""An empty log for each test, on SQLite and, where there is a server, on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from ratoon.log import LabelEvent, Log, Prediction, open_log

NOW = datetime(2026, 3, 1, 12, 30, 0, 250)
MODEL = "price"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: a new file, or a new schema."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    server = request.getfixturevalue("postgres_url")
    schema = f"log_{uuid.uuid4().hex[:12]}"
    place = make_url(server).set(drivername="postgresql+psycopg2")
    engine = create_engine(place)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield (
        place.set(drivername="postgresql")
        .update_query_dict({"options": f"-csearch_path={schema}"})
        .render_as_string(hide_password=False)
    )
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def log(url: str) -> Iterator[Log]:
    with open_log(url) as opened:
        yield opened


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'new folder' / 'log.db'}"


def rows(*ids: str, time: datetime = NOW, **features: object) -> list[Prediction]:
    """A prediction for each of *ids*."""
    return [Prediction(each, time, "3", features or {"size": 1.5, "town": "Ulm"}, 0.25) for each in ids]


def labels(*ids: str, value: object = 1) -> list[LabelEvent]:
    return [LabelEvent(each, value) for each in ids]


class Hands:
    """A clock that stands where it is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at
