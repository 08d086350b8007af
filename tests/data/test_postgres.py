"""What only PostgreSQL has: schemas, its own types, roles and the words for a server that is away."""

from __future__ import annotations

from datetime import datetime

import pytest

from ratoon.data.source import open_source
from ratoon.data.sources import engine
from ratoon.data.sources.engine import Engine, without_password
from ratoon.spec import waiting
from ratoon.spec.errors import DataError, Unavailable

psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed: pip install ratoon[postgres]")

MAKE = """
DROP SCHEMA IF EXISTS typed CASCADE;
CREATE SCHEMA typed;
CREATE TYPE typed.mood AS ENUM ('calm', 'wild');
CREATE TABLE typed.rows (
    id uuid, time timestamptz, flag boolean, price numeric(10, 2), small smallint, mood typed.mood,
    name varchar(10), code char(4), host inet, target boolean, label_time timestamptz
);
INSERT INTO typed.rows VALUES
  ('00000000-0000-0000-0000-00000000000A', '2024-01-01 00:00-05', true, 1.50, 3, 'wild', 'Ann', 'ab', '10.0.0.1', true,
   '2024-01-02 00:00-05'),
  ('00000000-0000-0000-0000-00000000000B', '2024-01-01 06:00+01', NULL, 'NaN', NULL, NULL, NULL, NULL, NULL, NULL,
   NULL),
  ('00000000-0000-0000-0000-00000000000C', 'infinity', true, 1, 1, 'calm', 'x', 'x', NULL, true, 'infinity'),
  ('00000000-0000-0000-0000-00000000000D', '-infinity', true, 1, 1, 'calm', 'x', 'x', NULL, true, NULL);
"""


@pytest.fixture
def typed(postgres_url, spec_of):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(MAKE)
    return spec_of(url=postgres_url, table="typed.rows", label_time="label_time", task="binary")


def test_its_types_become_plain_ones(typed):
    with open_source(typed) as source:
        span = source.extent()
        window = source.as_of(datetime(2024, 2, 1)).window(span)

    frame = window.frame
    assert source.kinds == {
        "flag": "number", "price": "number", "small": "number",
        "mood": "category", "name": "category", "code": "category", "host": "category",
    }  # fmt: skip
    assert frame["_id"].tolist() == [f"00000000-0000-0000-0000-00000000000{x}" for x in "ab"]
    assert frame["_time"].tolist() == [datetime(2024, 1, 1, 5)] * 2
    assert frame["_label_time"].tolist()[0] == datetime(2024, 1, 2, 5)
    assert frame.loc[0, ["flag", "price", "small", "mood", "name"]].tolist() == [1.0, 1.5, 3.0, "wild", "Ann"]
    assert frame.loc[1, ["flag", "price", "small", "mood", "name"]].isna().all()
    assert frame["_target"].isna().tolist() == [False, True]
    assert window.nameless == 2  # infinity is no time


def test_a_missing_table_is_named_with_what_was_looked_for(postgres_url, spec_of):
    with pytest.raises(DataError, match=r"data\.table: no table 'public\.nothing'"):
        open_source(spec_of(url=postgres_url, table="public.nothing"))


def test_a_server_that_is_away_is_no_fault_of_the_data_s_and_the_password_is_not_said(spec_of, monkeypatch):
    monkeypatch.setattr(waiting, "OPENING", (0.0,))
    spec = spec_of(url="postgresql://me:secret@127.0.0.1:1/db", table="rows")

    with pytest.raises(Unavailable, match=r"me:\*\*\*@127.0.0.1:1") as caught:
        open_source(spec)

    assert "secret" not in str(caught.value)


def test_a_server_that_comes_up_while_it_is_opened_is_waited_for(typed, monkeypatch):
    monkeypatch.setattr(waiting, "OPENING", (0.0, 0.0))
    opened, tries = engine._opened, [0]

    def late(url: str):
        tries[0] += 1
        if tries[0] < 3:
            raise psycopg.OperationalError("connection refused")
        return opened(url)

    monkeypatch.setattr(engine, "_opened", late)
    with open_source(typed) as source:
        assert source.extent() is not None
    assert tries == [3]


@pytest.mark.parametrize("where", ["postgresql://nobody@{}/postgres", "postgresql://postgres@{}/nothing"])
def test_a_server_that_refuses_is_bad_input_at_once(postgres_url, spec_of, monkeypatch, where):
    monkeypatch.setattr(waiting, "OPENING", (60.0,))
    url = where.format(postgres_url.rpartition("@")[2].partition("/")[0])

    with pytest.raises(DataError, match="does not exist"):
        open_source(spec_of(url=url, table="typed.rows"))


def test_another_scheme_is_refused(spec_of):
    with pytest.raises(DataError, match="names the engine 'mysql'; expected postgresql://"):
        open_source(spec_of(url="mysql://me@host/db", table="rows"))


def test_sqlalchemys_way_to_write_the_url_is_understood(postgres_url, typed, spec_of):
    url = postgres_url.replace("postgresql://", "postgresql+psycopg2://")

    with open_source(spec_of(url=url, table="typed.rows", label_time="label_time", task="binary")) as source:
        assert "mood" in source.columns()


def test_the_session_cannot_write(typed):
    with open_source(typed) as source, pytest.raises(Exception, match="read-only transaction"):
        source._engine.backend.raw_sql("DELETE FROM typed.rows")


def test_rows_and_labels_in_different_engines_are_refused(postgres_url, spec_of):
    with pytest.raises(DataError, match="joined inside one engine"):
        open_source(spec_of(url=postgres_url, table="rows", labels={"source": "labels.parquet"}))


def test_passwords_are_hidden_wherever_they_stand():
    assert without_password("postgresql://u:p@h:5/d") == "postgresql://u:***@h:5/d"
    assert without_password("postgresql://h/d?password=p&user=u") == "postgresql://h/d?password=***&user=u"
    assert without_password("postgresql://u@h/d") == "postgresql://u@h/d"


def _cut_off(source, postgres_url) -> None:
    """What a restart of the server does to a connection."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [source._engine.backend.con.info.backend_pid])


def test_a_server_that_restarts_between_two_reads_is_asked_again(typed, postgres_url, monkeypatch):
    monkeypatch.setattr(waiting, "PAUSES", (0.0,))
    with open_source(typed) as source:
        span = source.extent()
        before = source.as_of(datetime(2024, 2, 1)).window(span).frame
        _cut_off(source, postgres_url)
        assert source.as_of(datetime(2024, 2, 1)).window(span).frame.equals(before)
        (row,) = source._engine.backend.raw_sql("SHOW default_transaction_read_only").fetchall()
        assert row == ("on",)  # the new session is set up as the first was


def test_a_server_that_stays_away_is_named_and_that_is_no_fault_of_the_data(typed, postgres_url, monkeypatch):
    monkeypatch.setattr(waiting, "PAUSES", (0.0, 0.0))

    def refused(self) -> None:
        raise psycopg.OperationalError("connection refused")

    with open_source(typed) as source:
        span = source.extent()
        monkeypatch.setattr(Engine, "_connect_again", refused)
        _cut_off(source, postgres_url)
        with pytest.raises(Unavailable, match="does not answer any more"):
            source.as_of(datetime(2024, 2, 1)).window(span)
