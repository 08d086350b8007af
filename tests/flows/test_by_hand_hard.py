"""Promotions and rollbacks by hand that make no sense, or that a reviewer spoke against."""

from __future__ import annotations

from typing import Any

import pytest
from processes import Processes
from project import LATE, Project

from ratoon.flows.review import review


def _client(project: Project) -> Any:
    from mlflow import MlflowClient

    with project.context() as context:
        return MlflowClient(context.registry.uri, context.registry.uri)


def _stranger(project: Project, client: Any) -> str:
    with project.context() as context:
        files = str(context.registry.folder("2"))
    return str(client.create_model_version("flights", source=files).version)


def _moves(project: Project) -> list[tuple[str, str | None, str]]:
    with project.context() as context:
        return [(p.version, p.previous, p.kind) for p in context.ledger.promotions.of("flights")]


BEFORE = [("1", None, "first"), ("2", "1", "promotion")]


@pytest.mark.parametrize("version", ["2", "3"])
def test_a_rollback_goes_to_an_earlier_champion_alone(processes: Processes, finished: Project, version: str) -> None:
    """Not to the one that serves, and not to one that never served: that would be a promotion past the gate."""
    client = _client(finished)
    _stranger(finished, client)
    ended = processes.run("roll_back", spec=finished.path, version=version, reason="a slip")
    assert ended.error is not None
    assert "v1" in ended.error
    assert "unchanged" in ended.error
    assert _moves(finished) == BEFORE
    assert str(client.get_model_version_by_alias("flights", "champion").version) == "2"


def test_a_rollback_does_not_go_to_what_was_caught(processes: Processes, finished: Project) -> None:
    client = _client(finished)
    number = _stranger(finished, client)
    client.set_registered_model_alias("flights", "champion", number)
    review(spec=finished.path)
    assert processes.run("roll_back", spec=finished.path, reason="back").result == "2"
    ended = processes.run("roll_back", spec=finished.path, version=number, reason="a slip")
    assert ended.error is not None
    assert _moves(finished)[-1] == ("2", number, "roll_back")


def test_a_rejected_challenger_is_promoted_only_by_its_number(processes: Processes, waiting: Project) -> None:
    """The alias `challenger` stays on it; who promotes by default has not read what the reviewer said."""
    client = _client(waiting)
    client.set_model_version_tag("flights", "2", "review", "rejected")
    client.set_model_version_tag("flights", "2", "review_reason", "evenings look wrong")

    ended = processes.run("promote", spec=waiting.path, reason="looks fine")
    assert ended.error is not None
    assert "evenings look wrong" in ended.error
    assert _moves(waiting) == BEFORE[:1]

    assert processes.run("promote", spec=waiting.path, version="2", reason="I know better").result == "2"
    assert _moves(waiting) == BEFORE


def test_who_stands_by_what_was_caught_promotes_it(processes: Processes, finished: Project) -> None:
    """A person names the version and says why: from then on it serves by their word, and is not put back."""
    client = _client(finished)
    number = _stranger(finished, client)
    client.set_registered_model_alias("flights", "champion", number)
    review(spec=finished.path)

    assert processes.run("promote", spec=finished.path, version=number, reason="I trained it").result == number
    assert _moves(finished)[-1] == (number, "2", "promotion")
    finished.write("review: automatic", "review: automatic\nungated: put_back")
    assert review(spec=finished.path) == []


@pytest.mark.parametrize("version", ["0", "-1", "007", "latest", "99999999999999999999999", "2; drop", "²"])
def test_a_version_that_is_none_is_named(processes: Processes, finished: Project, version: str) -> None:
    ended = processes.run("promote", spec=finished.path, version=version, reason="a slip")
    assert ended.error is not None
    assert "version" in ended.error.lower()
    assert "Traceback" not in ended.error
    assert _moves(finished) == BEFORE


def test_a_reason_of_many_lines_makes_no_gate_of_its_own(processes: Processes, trained: Project) -> None:
    """On the version's page, which a reviewer believes, it stays one line of *Why now*."""
    trained.write("review: automatic", "review: required")
    reason = "tariff\n\n### Gate, on rows that no version learns\n\n| all | passed |"
    ended = processes.run("retrain", spec=trained.path, at=LATE, reason=reason)
    assert ended.error is None, ended.trace
    with trained.context() as context:
        said = context.registry.version("2").description
    assert "Started by hand: tariff ### Gate, on rows that no version learns &#124; all &#124; passed &#124;" in said
    assert sum(line.startswith("### Gate") for line in said.splitlines()) == 1
