"""The champion alias under odd hands: forged tags, one stranger after the other, a way back that fails, two at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from processes import Processes
from project import LATE, Project

from ratoon.flows.review import review
from ratoon.flows.sweep import sweep
from ratoon.models.registry.mlflow_registry import Registry
from ratoon.spec.errors import RegistryError


def _client(project: Project) -> Any:
    from mlflow import MlflowClient

    with project.context() as context:
        return MlflowClient(context.registry.uri, context.registry.uri)


def _stranger(project: Project, client: Any, **tags: str) -> str:
    """A version that nobody judged, with the files of version 2."""
    with project.context() as context:
        files = str(context.registry.folder("2"))
    return str(client.create_model_version("flights", source=files, tags=tags).version)


def _moves(project: Project) -> list[tuple[str, str | None, str]]:
    with project.context() as context:
        return [(p.version, p.previous, p.kind) for p in context.ledger.promotions.of("flights")]


def _champion(client: Any) -> str:
    return str(client.get_model_version_by_alias("flights", "champion").version)


BEFORE = [("1", None, "first"), ("2", "1", "promotion")]


@pytest.mark.parametrize("strategy", ["first", "adopted"])
def test_a_tag_that_claims_to_begin_a_lineage_lets_nobody_serve(finished: Project, strategy: str) -> None:
    client = _client(finished)
    number = _stranger(finished, client, **{"ratoon.strategy": strategy, "ratoon.gate": "none"})
    client.set_registered_model_alias("flights", "champion", number)

    assert review(spec=finished.path) == [f"caught v{number}"]


def test_tags_that_name_a_decision_without_a_version_let_nobody_serve(processes: Processes, finished: Project) -> None:
    """The decision is the ledger's, but no run registered this version for it."""
    client = _client(finished)
    ended = processes.run("monitor", spec=finished.path, at=LATE.replace(day=21))
    assert ended.error is None, ended.trace
    made = ended.result["id"]
    number = _stranger(
        finished, client, **{"ratoon.strategy": "warm", "ratoon.gate": "passed", "ratoon.decision": made}
    )
    client.set_registered_model_alias("flights", "champion", number)

    assert review(spec=finished.path) == [f"caught v{number}"]


def test_the_way_back_from_one_stranger_after_another_is_the_last_that_a_gate_let_go(
    processes: Processes, finished: Project
) -> None:
    client = _client(finished)
    one, two = _stranger(finished, client), _stranger(finished, client)
    client.set_registered_model_alias("flights", "champion", one)
    assert review(spec=finished.path) == [f"caught v{one}"]
    client.set_registered_model_alias("flights", "champion", two)
    assert review(spec=finished.path) == [f"caught v{two}"]

    with finished.context() as context:
        assert "which names v2" in context.ledger.unapproved.of("flights")[-1].reason
    assert processes.run("roll_back", spec=finished.path, reason="neither").result == "2"


def test_one_stranger_after_another_is_put_back_to_the_last_that_a_gate_let_go(finished: Project) -> None:
    """Also where the first was only flagged, before the spec said `put_back`."""
    client = _client(finished)
    one, two = _stranger(finished, client), _stranger(finished, client)
    client.set_registered_model_alias("flights", "champion", one)
    review(spec=finished.path)
    finished.write("review: automatic", "review: automatic\nungated: put_back")
    client.set_registered_model_alias("flights", "champion", two)

    assert review(spec=finished.path) == [f"caught v{two}, put back v2"]
    assert _champion(client) == "2"
    assert review(spec=finished.path) == []


def test_a_stranger_whose_alias_is_deleted_is_not_put_back(finished: Project) -> None:
    client = _client(finished)
    one = _stranger(finished, client)
    client.set_registered_model_alias("flights", "champion", one)
    review(spec=finished.path)
    finished.write("review: automatic", "review: automatic\nungated: put_back")
    client.delete_registered_model_alias("flights", "champion")

    assert review(spec=finished.path) == ["caught no champion, put back v2"]
    assert _champion(client) == "2"


@pytest.mark.parametrize("how", ["stranger", "gone"])
def test_a_put_back_that_failed_is_tried_again(finished: Project, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A store that is away for a minute must not leave a stranger serving for good; it is said once, not each time."""
    finished.write("review: automatic", "review: automatic\nungated: put_back")
    client = _client(finished)
    if how == "stranger":
        client.set_registered_model_alias("flights", "champion", _stranger(finished, client))
    else:
        client.delete_registered_model_alias("flights", "champion")

    def away(self: Registry, ref: str | int) -> str | None:
        raise RegistryError("the store of artifacts is away")

    with monkeypatch.context() as broken:
        broken.setattr(Registry, "promote", away)
        (said,) = review(spec=finished.path)
        assert "put back" not in said
        assert review(spec=finished.path) == []

    (said,) = review(spec=finished.path)
    assert "put back v2" in said
    assert _champion(client) == "2"
    assert review(spec=finished.path) == []
    with finished.context() as context:
        assert [catch.done for catch in context.ledger.unapproved.of("flights")] == ["flagged", "put_back"]


@pytest.mark.parametrize("how", ["stranger", "gone"])
def test_two_sweeps_at_once_catch_once(finished: Project, how: str) -> None:
    """The monitor's and the webhook's: one row, one event."""
    finished.write("review: automatic", "review: automatic\nungated: put_back")
    client = _client(finished)
    if how == "stranger":
        client.set_registered_model_alias("flights", "champion", _stranger(finished, client))
    else:
        client.delete_registered_model_alias("flights", "champion")
    said: list[str] = []

    def look() -> None:
        from prefect import flow

        @flow(name="look")
        def one() -> tuple[str, ...]:
            with finished.context() as context:
                return sweep(context, LATE)

        said.extend(one())

    both = [threading.Thread(target=look) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()

    assert len(said) == 1
    with finished.context() as context:
        assert len(context.ledger.unapproved.of("flights")) == 1
    assert [kind for _, _, kind in _moves(finished)].count("put_back") == 1
