"""The commands as a person and a script use them: what they print, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from project import LATE, Project

from ratoon.cli.main import app, run

COMMANDS = sorted(each.callback.__name__.replace("_", "-") for each in app.registered_commands if each.callback)


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def ratoon(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], prefect_server: str
) -> Iterator[Callable[..., Said]]:
    """`ratoon ARGUMENTS` through the console script's own entry point."""
    before = dict(os.environ)
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["ratoon", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            run()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    yield command
    os.environ.clear()
    os.environ.update(before)


def test_a_new_project_passes_its_check(ratoon: Callable[..., Said], tmp_path: Path) -> None:
    folder = tmp_path / "late-flights"
    assert ratoon("init", folder).code == 0
    checked = ratoon("check", folder / "spec.yaml", "--json")
    assert checked.code == 0, checked
    assert {finding["status"] for finding in checked.json} == {"ok"}
    again = ratoon("init", folder)
    assert again.code == 2
    assert "nothing was written" in again.err


def test_parameters_that_a_run_cannot_have_are_bad_input(ratoon: Callable[..., Said], tmp_path: Path) -> None:
    """With a Prefect server as without one."""
    assert ratoon("init", tmp_path / "flights").code == 0
    said = ratoon("retrain", tmp_path / "flights" / "spec.yaml", "--decision", "x")
    assert said.code == 2, said
    assert "decision" in said.err and "Traceback" not in said.err


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("task: binary", "task: binari", "spec.yaml:4: task"),
        ("review: required", "reviewer: required", "did you mean `review`"),
        ("margin: 0.5", "margin: -1", "gate.anchor.margin"),
        ("id: row_id", "id: row_idd", "did you mean 'row_id'"),
        ('triage == "harm"', "triag == 1", "triage"),
        ("training.py:build", "training.py:bild", "bild"),
        ("data/*.parquet", "data/*.csv", "no file matches"),
    ],
)
def test_what_is_wrong_in_a_spec_is_named_with_exit_code_2(
    ratoon: Callable[..., Said], tmp_path: Path, before: str, after: str, words: str
) -> None:
    ratoon("init", tmp_path / "p")
    spec = tmp_path / "p" / "spec.yaml"
    text = spec.read_text()
    assert before in text
    spec.write_text(text.replace(before, after))
    said = ratoon("check", spec)
    assert said.code == 2
    assert words in " ".join((said.out + said.err).split()), said  # a long path may break the line anywhere
    assert "Traceback" not in said.out + said.err


def test_a_spec_that_is_not_there_is_bad_input(ratoon: Callable[..., Said], tmp_path: Path) -> None:
    said = ratoon("monitor", tmp_path / "none.yaml")
    assert said.code == 2
    assert "no such file" in said.err


def test_what_cannot_be_done_yet_fails_with_the_next_step(ratoon: Callable[..., Said], tmp_path: Path) -> None:
    """A monitor before the first version: exit code 1, and the command that makes it."""
    ratoon("init", tmp_path / "p")
    said = ratoon("monitor", tmp_path / "p" / "spec.yaml", "--at", "2026-02-01")
    assert said.code == 1
    assert "ratoon train" in said.err
    back = ratoon("rollback", tmp_path / "p" / "spec.yaml")
    assert back.code == 1
    assert "has no champion" in back.err


def test_a_model_that_could_not_be_saved_does_not_pass_its_check(ratoon: Callable[..., Said], tmp_path: Path) -> None:
    """Better than after the first training: the type is named, and where it may be allowed."""
    ratoon("init", tmp_path / "p")
    training = tmp_path / "p" / "training.py"
    own = "class OwnModel(SGDClassifier):\n    pass\n\n\ndef build"
    changed = training.read_text().replace("def build", own).replace("SGDClassifier(loss", "OwnModel(loss")
    training.write_text(changed)
    said = ratoon("check", tmp_path / "p" / "spec.yaml")
    assert said.code == 2
    assert "'OwnModel' is defined in the build file itself" in " ".join(said.out.split())


def test_an_estimator_that_cannot_continue_is_said_to_and_what_does_instead(
    ratoon: Callable[..., Said], tmp_path: Path
) -> None:
    ratoon("init", tmp_path / "p")
    training = tmp_path / "p" / "training.py"
    forest = "from sklearn.ensemble import RandomForestClassifier\n" + training.read_text()
    start = forest.index("SGDClassifier(")
    end = forest.index(")", start) + 1
    training.write_text(forest[:start] + "RandomForestClassifier(5)" + forest[end:])
    said = ratoon("check", tmp_path / "p" / "spec.yaml")
    assert said.code == 0, said
    words = " ".join(said.out.split())
    assert "every update trains from scratch" in words
    assert "only adds trees" in words or "only add trees" in words


def test_promote_without_a_challenger_fails_and_changes_nothing(ratoon: Callable[..., Said], trained: Project) -> None:
    said = ratoon("promote", trained.path)
    assert said.code == 1
    assert "nothing to promote" in said.err
    assert "champion is unchanged" in said.err
    assert ratoon("rollback", trained.path).code == 1


def test_facts_are_valid_json(ratoon: Callable[..., Said], finished: Project) -> None:
    """Monitor, status and history: one JSON document on standard output, nothing else."""
    seen = ratoon("monitor", finished.path, "--at", f"{LATE:%Y-%m-%dT%H:%M:%S}", "--json")
    assert seen.code == 0, seen
    assert seen.json["action"] == "warm_start"
    status = ratoon("status", finished.path, "--json")
    assert status.code == 0
    assert [version["version"] for version in status.json["versions"]] == ["2", "1"]
    history = ratoon("history", finished.path, "--json")
    assert history.code == 0
    assert [made["id"] for made in history.json] == [seen.json["id"]]
    assert history.json[0]["update"]["version"] == "2"


def test_people_read_the_decision_and_what_became_of_it(ratoon: Callable[..., Said], finished: Project) -> None:
    status, history = ratoon("status", finished.path), ratoon("history", finished.path)
    assert (status.code, history.code) == (0, 0)
    assert "champion" in status.out
    assert "harm" in history.out and "warm_start" in history.out and "registered" in history.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(ratoon: Callable[..., Said], command: str) -> None:
    said = ratoon(command, "--help")
    assert said.code == 0
    assert f"Example: ratoon {command}" in said.out


def test_usage_errors_are_bad_input(ratoon: Callable[..., Said]) -> None:
    assert ratoon("monitor").code == 2
    assert ratoon("monitr").code == 2


def test_explain_lists_every_variable_with_its_present_value(ratoon: Callable[..., Said], finished: Project) -> None:
    """Name, value as of the newest decision, type and meaning; then the rules."""
    said = ratoon("policy", "explain", finished.path, "--json")
    assert said.code == 0, said
    known = {each["name"]: each for each in said.json["variables"]}
    assert known["triage"]["value"] == "harm"
    assert known["performance.drop"]["value"] > 0
    assert known["performance.drop"]["type"] == "double"
    assert known["cost.pays"]["value"] is None  # the spec has no prices
    assert said.json["at"] == "2026-02-20T00:00:00"
    people = ratoon("policy", "explain", finished.path)
    assert "performance.drop" in people.out and 'rule 2: when triage == "harm"' in people.out


def test_history_takes_every_decision_again(ratoon: Callable[..., Said], finished: Project) -> None:
    said = ratoon("history", finished.path, "--recompute")
    assert said.code == 0, said
    assert "1 of 1 decisions come out of the ledger alone exactly as they were taken" in said.out


def test_a_decision_that_was_tampered_with_is_found(ratoon: Callable[..., Said], finished: Project) -> None:
    """Whoever gets past the triggers cannot make the signals say what was not decided."""
    import sqlite3

    with sqlite3.connect(finished.folder / ".ratoon" / "ledger.db") as connection:
        for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f"drop trigger {name}")
        connection.execute(
            'update decisions set document = replace(document, \'"action":"warm_start"\', \'"action":"hold"\')'
        )
    connection.close()
    said = ratoon("history", finished.path, "--recompute")
    assert said.code == 1
    assert "differs" in said.out and "action" in said.out


def test_a_flow_that_refuses_prints_one_message_and_no_traceback(trained: Project, prefect_server: str) -> None:
    """The error comes once, in Ratoon's words; Prefect says nothing beside it (as in a shell)."""
    trained.write(r"^mode: live", "mode: shadow")
    said = subprocess.run(
        [sys.executable, "-m", "ratoon.cli.main", "retrain", trained.path, "--reason", "impatience"],
        env=os.environ | {"PREFECT_API_URL": prefect_server},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert said.returncode == 1
    assert said.stderr.count("the mode is `shadow`") == 1, said.stderr
    assert "Traceback" not in said.stderr and "Finished in state" not in said.stderr, said.stderr


def test_deploy_needs_a_server_that_answers(
    ratoon: Callable[..., Said], trained: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL")
    said = ratoon("deploy", trained.folder)
    assert said.code == 2
    assert "PREFECT_API_URL is not set" in said.err and "ratoon up" in said.err


def test_deploy_prints_every_deployment_with_its_schedule(ratoon: Callable[..., Said], trained: Project) -> None:
    said = ratoon("deploy", trained.folder)
    assert said.code == 0, said
    assert "monitor/flights" in said.out and "every 1d, from midnight UTC" in said.out
    assert "retrain/flights" in said.out


def test_the_schema_of_the_events_is_printed_too(ratoon: Callable[..., Said]) -> None:
    assert "ratoon.promoted" in ratoon("schema", "--events").json["properties"]


def test_a_backtest_prints_its_arms_and_writes_one_page(ratoon: Callable[..., Said], trained: Project) -> None:
    page = trained.folder / "page.html"
    said = ratoon(
        "backtest", trained.path, "--start", "2026-02-03", "--end", "2026-02-20", "--every", "6d",
        "--page", page, "--no-scratch", "--workers", "1",
    )  # fmt: skip
    assert said.code == 0, said
    assert "policy" in said.out and "never" in said.out and "brier" in said.out
    assert page.read_text().lower().startswith("<!doctype html>")
    with trained.context() as context:
        assert context.ledger.decisions.of("flights") == []  # the live ledger was not touched
