"""What people do to the champion alias in MLflow, and what Ratoon makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from processes import Processes
from project import LATE, Project

from ratoon.flows.review import review
from ratoon.loop.champion import rolled_back_at


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


BEFORE = [("1", None, "first"), ("2", "1", "promotion")]


def test_an_ungated_champion_is_flagged_in_mlflow_and_in_the_ledger(finished: Project) -> None:
    """The alias stays; the version's page says why it should not have it, and how to go back."""
    client = _client(finished)
    number = _stranger(finished, client)
    client.update_model_version("flights", number, "Mine.")
    client.set_registered_model_alias("flights", "champion", number)

    assert review(spec=finished.path) == [f"caught v{number}"]
    assert review(spec=finished.path) == []

    version = client.get_model_version("flights", number)
    assert "no gate compared it with the champion" in version.tags["ratoon.caught"]
    assert version.description.startswith("> **Caught by Ratoon.**")
    assert version.description.endswith("Mine.")
    assert str(client.get_model_version_by_alias("flights", "champion").version) == number
    with finished.context() as context:
        (catch,) = context.ledger.unapproved.of("flights")
    assert (catch.version, catch.previous, catch.done, catch.actor) == (number, "2", "flagged", "registry")
    assert f"ratoon rollback {finished.path}`, which names v2" in catch.reason
    assert _moves(finished) == [*BEFORE, (number, "2", "ungated")]


def test_the_way_back_from_an_ungated_champion_is_no_new_catch(processes: Processes, finished: Project) -> None:
    """Also where nobody had noticed it yet: the rollback goes to the champion before it."""
    client = _client(finished)
    number = _stranger(finished, client)
    client.set_registered_model_alias("flights", "champion", number)
    assert processes.run("roll_back", spec=finished.path, reason="not that one").result == "2"

    assert review(spec=finished.path) == []
    assert _moves(finished)[-1] == ("2", number, "roll_back")


def test_an_ungated_champion_is_put_back_where_the_spec_says_so(finished: Project) -> None:
    finished.write("review: automatic", "review: automatic\nungated: put_back")
    client = _client(finished)
    number = _stranger(
        finished, client, **{"ratoon.strategy": "warm", "ratoon.gate": "passed", "ratoon.decision": "made-up"}
    )
    client.set_registered_model_alias("flights", "champion", number)

    assert review(spec=finished.path) == [f"caught v{number}, put back v2"]
    assert review(spec=finished.path) == []

    assert str(client.get_model_version_by_alias("flights", "champion").version) == "2"
    with finished.context() as context:
        (catch,) = context.ledger.unapproved.of("flights")
    assert catch.done == "put_back"
    assert "made-up, is not in this model's ledger" in catch.reason
    assert _moves(finished) == [*BEFORE, (number, "2", "ungated"), ("2", number, "put_back")]


def test_the_tags_of_another_version_let_nobody_serve(finished: Project) -> None:
    """A copy of all tags is no gate."""
    client = _client(finished)
    number = _stranger(finished, client, **client.get_model_version("flights", "2").tags)
    client.set_registered_model_alias("flights", "champion", number)

    assert review(spec=finished.path) == [f"caught v{number}"]
    assert "its tags are those of v2" in client.get_model_version("flights", number).tags["ratoon.caught"]


def test_an_ungated_champion_that_loads_is_watched_on(processes: Processes, finished: Project) -> None:
    """The policy does not stop where the alias was only flagged."""
    client = _client(finished)
    client.set_registered_model_alias("flights", "champion", _stranger(finished, client))
    ended = processes.run("monitor", spec=finished.path, at=LATE)

    assert ended.error is None, ended.trace


def test_a_return_to_an_earlier_champion_is_a_rollback_and_no_catch(finished: Project) -> None:
    """With the name of who did it, where MLflow keeps one."""
    client = _client(finished)
    client.set_model_version_tag("flights", "1", "reviewed_by", "ada")
    client.set_model_version_tag("flights", "1", "reviewed_at", "2099-01-01T00:00:00")
    client.set_registered_model_alias("flights", "champion", "1")

    assert review(spec=finished.path) == ["roll back v1"]
    with finished.context() as context:
        assert context.ledger.unapproved.of("flights") == []
        move = context.ledger.promotions.of("flights")[-1]
        assert move.actor == "ada"
        assert rolled_back_at(context, move.at) == move.at  # from which the policy's cooldown counts
        assert rolled_back_at(context, LATE) is None


@pytest.mark.parametrize("how", ["alias", "version"])
def test_a_champion_that_is_gone_is_said_once(finished: Project, how: str) -> None:
    """MLflow drops the alias with its version, without a word."""
    client = _client(finished)
    if how == "alias":
        client.delete_registered_model_alias("flights", "champion")
    else:
        client.delete_model_version("flights", "2")

    assert review(spec=finished.path) == ["caught no champion"]
    assert review(spec=finished.path) == []
    said = client.get_registered_model("flights").tags["ratoon.caught"]
    assert ("was deleted in MLflow" in said) == (how == "version")

    client.set_registered_model_alias("flights", "champion", "2" if how == "alias" else "1")
    assert len(review(spec=finished.path)) == 1
    assert "nothing serves" not in client.get_registered_model("flights").tags["ratoon.caught"]
    client.delete_registered_model_alias("flights", "champion")
    assert review(spec=finished.path) == ["caught no champion"]


def test_a_deleted_alias_is_put_back_each_time_where_the_spec_says_so(finished: Project) -> None:
    finished.write("review: automatic", "review: automatic\nungated: put_back")
    client = _client(finished)
    for _ in range(2):
        client.delete_registered_model_alias("flights", "champion")
        assert review(spec=finished.path) == ["caught no champion, put back v2"]
        assert str(client.get_model_version_by_alias("flights", "champion").version) == "2"


def test_the_page_s_promote_button_confuses_nobody(finished: Project) -> None:
    """It copies the version into another registered model, whose alias is none of ours."""
    client = _client(finished)
    client.create_registered_model("flights-prod")
    with finished.context() as context, context.registry.connection.aimed():
        copied = client.copy_model_version("models:/flights/2", "flights-prod")
    client.set_registered_model_alias("flights-prod", "champion", copied.version)

    assert review(spec=finished.path) == []
    assert _moves(finished) == BEFORE
    with finished.context() as context:
        assert [version.number for version in context.registry.versions()] == ["2", "1"]


def test_an_approval_in_mlflow_is_a_promotion_with_its_decision(processes: Processes, decided: Project) -> None:
    decided.write("review: automatic", "review: required")
    with decided.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
    assert processes.run("retrain", spec=decided.path, decision=decision.id).result["version"] == "2"
    client = _client(decided)
    client.set_model_version_tag("flights", "2", "reviewed_by", "ada")
    client.set_registered_model_alias("flights", "champion", "2")

    assert review(spec=decided.path) == ["promotion v2"]
    with decided.context() as context:
        move = context.ledger.promotions.of("flights")[-1]
    assert (move.version, move.previous, move.actor, move.decision) == ("2", "1", "ada", decision.id)


def test_a_review_needs_no_data(finished: Project) -> None:
    """Broken data is no reason not to hear what a reviewer says."""
    client = _client(finished)
    (finished.folder / "data" / "flights.parquet").write_text("not a table")
    client.set_registered_model_alias("flights", "champion", "1")

    assert review(spec=finished.path) == ["roll back v1"]
