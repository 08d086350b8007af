"""A fresh ledger per test, on SQLite and, where the `postgres_url` fixture exists, on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from ratoon.ledger.ledger import Ledger, TrainingRun
from ratoon.spec.keys.rules import Policy
from ratoon.spec.values import Decision, GuardAnswer, Score, Signal, Span, Triage

NOW = datetime(2026, 3, 1, 12, 30, 0, 250)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: a new file, or a new schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new folder' / 'ledger.db'}"
        return
    try:
        server = request.getfixturevalue("postgres_url")
    except pytest.FixtureLookupError:
        pytest.skip("no PostgreSQL server in this run")
    schema = f"ledger_{uuid.uuid4().hex[:12]}"
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
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        yield opened


def decided(id: str = "d1", *, hours: float = 0, action: str = "warm_start", model: str = "price") -> Decision:
    """A decision *hours* after NOW."""
    at = NOW + timedelta(hours=hours)
    return Decision(
        id=id,
        model=model,
        at=at,
        action=action,  # type: ignore[arg-type]
        triage=Triage(verdict="harm", evidence=("performance: drop is 0.05",)),
        rule='triage == "harm"',
        reasons=("warm_start: it harms — «0.05».",),
        guards=(GuardAnswer(rule='triage == "harm"', guard="cooldown", held=False, text="10d ago"),),
        matched=('triage == "harm"',),
        facts={"performance": {"drop": 0.05}, "drift": {"columns": ["day"]}, "new_rows": 120, "champion": {}},
        policy="abc",
        window=Span(start=at - timedelta(days=7), end=at),
        champion="3",
    )


def measured(**more: Any) -> Signal:
    window = Span(start=NOW - timedelta(days=7), end=NOW)
    known = {"monitor": "performance", "metric": "drop", "status": "fail", "window": window, "rows": 600}
    return Signal.model_validate(known | more)


def claim(
    ledger: Ledger, id: str = "d1", *, wall: datetime = NOW, model: str = "price", **more: Any
) -> TrainingRun | None:
    """Claim the run of a recorded decision; a run is given up after two hours."""
    patience = timedelta(hours=2)
    return ledger.runs.claim(model=model, decision=id, at=NOW, run="r", now_wall=wall, abandon_after=patience, **more)


def policy(**more: Any) -> Policy:
    """A policy that uses what a policy can hold."""
    rules = [
        {"when": 'triage == "harm"', "do": "warm_start", "persist": "2 of 3", "cooldown": "6h", "back_off": "2d"},
        {
            "when": "drift.share > 0.5",
            "do": "alert",
            "quiet": ["sat-sun 22:00-06:00"],
            "budget": {"runs": 1, "per": "1d"},
        },
    ]
    known = {
        "rules": rules, "metric": "roc_auc", "every": "1h", "tolerance": {"fixed": 0.02},
        "costs": {"cpu_hour": 0.5, "error": 0.01},
    }  # fmt: skip
    return Policy.model_validate(known | more)


def scored(decision: str, *, hours: float = 0, **more: Any) -> Score:
    """A score given *hours* after NOW."""
    known = {"decision": decision, "at": NOW + timedelta(hours=hours), "verdict": "right", "gain": 0.02, "rows": 300}
    return Score.model_validate(known | more)


@pytest.fixture
def made() -> SimpleNamespace:
    """The makers above, for tests: `made.decided()`, `made.measured()`, `made.claim(ledger)` and so on."""
    makers: dict[str, Callable[..., Any]] = {
        "decided": decided,
        "measured": measured,
        "claim": claim,
        "policy": policy,
        "scored": scored,
    }
    return SimpleNamespace(NOW=NOW, **makers)
