"""Three people on the real pages, with the real servers on PostgreSQL: operator, reviewer, engineer.

The tests are one walk, in order. $RATOON_SCREENSHOTS names the folder that takes the screens; else pytest's own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import make_url

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))
sys.path.insert(0, str(Path(__file__).parent))

from browser import Browser, chromium, showing
from evidently_pages import EvidentlyPages
from mlflow_pages import MLflowPages
from prefect_pages import PrefectPages
from running import wait_for
from upped import Upped

from ratoon.cli.commands.init import example_flights
from ratoon.ledger.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

MODEL = "flights"
REASON = "New evening timetable since Monday"
CHANGE = timedelta(days=40)  # after the first run of the example stream, the evening turns
NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    shots = Path(os.environ.get("RATOON_SCREENSHOTS") or tmp_path_factory.mktemp("screens"))
    with chromium(shots, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def up(browser: Browser, tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Upped]:
    """The starter project with a first version, and a window that the change harmed."""
    folder = tmp_path_factory.mktemp("project")
    database = make_url(postgres_url).set(database="pages").render_as_string(hide_password=False)
    started = Upped.on_free_ports(folder, RATOON_DATABASE_URL=database, USER="Olga")
    spec = folder / MODEL / "spec.yaml"
    try:
        started.ratoon("init", MODEL)
        _move_to_today(folder / MODEL / "data" / "flights.parquet")
        # What fires here is to alert: the retrain is a person's.
        text = spec.read_text()
        policy = 'triage: {persist: 1 of 1}\npolicy:\n  - when: triage == "harm"\n    do: alert\n\n'
        text = re.sub(r"(?ms)^policy:.*?(?=^gate:)", policy, text)
        # Proof that it is better would hang on how many rows came until a slow machine began to train.
        assert text.count("recent: better") == 1
        spec.write_text(text.replace("recent: better", "recent: not_worse"))
        started.start()
        started.ratoon("train", str(spec), "--at", _at(days=6))
        started.ratoon("monitor", str(spec), "--at", _at(days=0))
        yield started
    finally:
        started.clean_up()


@pytest.fixture(autouse=True)
def _last_screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[None]:
    """Keep what was on the screen where a step failed."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        browser.shoot("failed")


def test_an_operator_starts_a_retrain_by_the_form_and_reads_what_came_of_it(browser: Browser, up: Upped) -> None:
    pages = PrefectPages(browser, up.where.prefect)
    pages.sign_in(up.password)
    pages.open_deployment("retrain", MODEL)
    browser.shoot("prefect-deployment")
    pages.open_custom_run()
    browser.shoot("prefect-form")
    pages.choose("Where to begin", "warm")
    pages.submit()
    browser.read("required")
    browser.shoot("prefect-form-without-reason")
    pages.write("Reason", REASON)
    browser.shoot("prefect-form-filled")
    pages.submit()
    pages.open_new_run()
    browser.shoot("prefect-run-started")

    assert pages.watch(seconds=1200) == "Completed"
    browser.refresh()
    assert f"registered v{_challenger(up)}" in pages.title()
    browser.shoot("prefect-run-ended")
    pages.open_tab("Artifacts")
    browser.find("//a[contains(@href, '/artifacts/')]")
    browser.shoot("prefect-run-artifacts")
    pages.open_artifact(f"gate-{MODEL}")
    browser.read("recent\\s+passed")
    browser.shoot("prefect-artifact-gate")
    with _ledger(up) as ledger:
        (decision,) = [each for each in ledger.decisions.of(MODEL) if each.action == "warm_start"]
    assert any(REASON in reason for reason in decision.reasons)


def test_a_reviewer_finds_the_challenger_and_makes_it_the_champion(browser: Browser, up: Upped) -> None:
    pages = MLflowPages(browser, up.where.mlflow)
    pages.open_registry()
    browser.shoot("mlflow-registry")
    pages.open_model(MODEL)
    browser.shoot("mlflow-model")
    challenger = _challenger(up)
    pages.open_version(challenger)
    own = {alias for alias in pages.aliases() if alias.startswith("candidate-")}  # of the strategy that made it
    assert len(own) == 1
    assert pages.aliases() == {"candidate", "challenger"} | own
    for said in (REASON, "shows no harm", "challenger"):
        assert browser.sees(said), said
    browser.shoot("mlflow-challenger")
    pages.add_tag("reviewed_by", "Rita")
    pages.set_alias("champion")
    browser.shoot("mlflow-alias-dialog")
    pages.save_aliases()
    assert pages.aliases() == {"candidate", "challenger", "champion"} | own
    browser.shoot("mlflow-promoted")

    with _ledger(up) as ledger:
        wait_for(lambda: len(ledger.promotions.of(MODEL)) == 2, seconds=420, what="the promotion", log=lambda: up.log)
        first, moved = ledger.promotions.of(MODEL)
    assert (moved.version, moved.previous, moved.kind, moved.actor) == (challenger, first.version, "promotion", "Rita")
    browser.open(f"{up.where.prefect}/runs")
    browser.read(f"promotion v{challenger}")
    browser.shoot("prefect-runs-after-promotion")


def test_an_alias_on_a_version_that_no_gate_passed_is_caught(browser: Browser, up: Upped) -> None:
    smuggled, serving = _register_past_the_gate(up), _challenger(up)
    pages = MLflowPages(browser, up.where.mlflow)
    pages.open_registry()
    pages.open_model(MODEL)
    pages.open_version(smuggled)
    pages.set_alias("champion")
    pages.save_aliases()
    with _ledger(up) as ledger:
        wait_for(lambda: ledger.unapproved.of(MODEL), seconds=420, what="the catch", log=lambda: up.log)
        (catch,) = ledger.unapproved.of(MODEL)
    assert (catch.version, catch.previous, catch.done) == (smuggled, serving, "flagged")

    browser.refresh()
    browser.read("no gate|without a gate|not passed|caught")
    browser.shoot("mlflow-caught")
    browser.open(f"{up.where.prefect}/runs")
    browser.read(f"caught v{smuggled}")
    browser.shoot("prefect-caught-runs")
    browser.click(showing(f"review {MODEL}: caught v{smuggled}"))
    PrefectPages(browser, up.where.prefect).open_artifact(f"caught-{MODEL}")
    browser.read(f"Caught\\.\\s+v{smuggled} was made champion")
    browser.shoot("prefect-caught")


def test_an_engineer_finds_the_window_on_the_dashboard(browser: Browser, up: Upped) -> None:
    with _ledger(up) as ledger:
        [*_, window] = [each.window for each in ledger.decisions.of(MODEL) if each.action == "alert"]
    assert window is not None
    pages = EvidentlyPages(browser, up.where.evidently)
    pages.open_project(MODEL)
    browser.read("Performance")
    browser.read(f"{window.end:%Y-%m-%d}")
    browser.shoot("evidently-dashboard")
    pages.open_reports()
    browser.shoot("evidently-reports")
    pages.open_report(f"{window.end:%Y-%m-%d %H:%M} performance")
    browser.shoot("evidently-window")


def test_no_page_asked_another_host_than_this_machine(browser: Browser) -> None:
    assert browser.outside() == {}


def _at(*, days: float) -> str:
    return f"{NOW - timedelta(days=days):%Y-%m-%dT%H:%M:%S}"


def _move_to_today(file: Path) -> None:
    """More flights, whose change lies five days back."""
    flights = example_flights(rows=12_000)
    moved = pd.Timestamp(NOW) - timedelta(days=5) - (pd.Timestamp("2026-01-01") + CHANGE)
    for column in ("event_time", "label_time"):
        flights[column] += moved
    flights.to_parquet(file, index=False)


def _challenger(up: Upped) -> str:
    """The version that the retrain registered; its number hangs on how many strategies learned in the background."""
    with _ledger(up) as ledger:
        (run,) = [each for each in ledger.runs.of(MODEL) if each.outcome == "registered"]
    assert run.version is not None
    return run.version


def _register_past_the_gate(up: Upped) -> str:
    """What a colleague does who registers a model of their own under the same name; the version's number."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _REGISTER, MODEL],
        env=up.environment | {"MLFLOW_TRACKING_URI": up.where.mlflow, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


_REGISTER = """
import sys
import mlflow
first = mlflow.MlflowClient().get_model_version(sys.argv[1], "1")
print(mlflow.register_model(first.source, sys.argv[1]).version)
"""


def _ledger(up: Upped) -> Ledger:
    return Ledger.open(up.where.ledger)
