"""What a shadow refuses, and what a reviewer's no in MLflow comes to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from processes import Processes
from project import CALM, LATE, Project

from ratoon.flows.review import review


def test_a_start_by_hand_is_refused_in_shadow_mode(processes: Processes, trained: Project) -> None:
    """Nothing trains, also not by hand, and the message names the key."""
    trained.write(r"^mode: live", "mode: shadow")
    ended = processes.run("retrain", spec=trained.path, at=LATE, reason="impatience")
    assert ended.error is not None
    assert "the mode is `shadow`, in which nothing trains" in ended.error
    with trained.context() as context:
        assert context.ledger.runs.of("flights") == []
        assert context.ledger.decisions.of("flights") == []


def test_a_rejected_challenger_holds_the_next_run_back(processes: Processes, waiting: Project) -> None:
    """The reviewer sets the tag `review` in MLflow; the next monitor writes it down and backs off."""
    from mlflow import MlflowClient

    waiting.write(r"min_rows: 50", "min_rows: 1\n    back_off: 5d")
    with waiting.context() as context:
        (decision,) = context.ledger.decisions.of("flights")
        reviewed = context.registry.uri
    client = MlflowClient(reviewed, reviewed)
    client.set_model_version_tag("flights", "2", "review", "rejected")
    client.set_model_version_tag("flights", "2", "review_reason", "evenings look wrong")

    ended = processes.run("monitor", spec=waiting.path, at=LATE + timedelta(days=1))

    assert ended.error is None, ended.trace
    assert ended.result["triage"]["verdict"] == "harm"
    assert ended.result["action"] == "hold"
    assert any(answer["guard"] == "back_off" and answer["held"] for answer in ended.result["guards"])
    with waiting.context() as context:
        (review,) = context.ledger.reviews.of("flights")
        assert (review.version, review.verdict, review.reason) == ("2", "rejected", "evenings look wrong")
        assert review.decision == decision.id


@pytest.mark.parametrize("tag", ["approved", "Rejected", ""])
def test_another_value_of_the_tag_rejects_nothing(finished: Project, tag: str) -> None:
    from mlflow import MlflowClient

    with finished.context() as context:
        MlflowClient(context.registry.uri, context.registry.uri).set_model_version_tag("flights", "2", "review", tag)
        assert context.registry.rejected() == ()


def test_the_reason_may_follow_the_rejection(finished: Project) -> None:
    """MLflow's page sends each tag by itself, and the webhook of the first is quicker than a reviewer who types."""
    from mlflow import MlflowClient

    with finished.context() as context:
        client = MlflowClient(context.registry.uri, context.registry.uri)
    client.set_model_version_tag("flights", "2", "review", "rejected")
    assert review(spec=finished.path) == ["v2 rejected"]
    assert review(spec=finished.path) == []
    client.set_model_version_tag("flights", "2", "review_reason", "evenings look wrong")
    assert review(spec=finished.path) == ["v2 rejected, with a reason"]
    assert review(spec=finished.path) == []

    with finished.context() as context:
        first, then = context.ledger.reviews.of("flights")
    assert (first.verdict, then.verdict, then.reason) == ("rejected", "explained", "evenings look wrong")


def test_a_look_back_does_not_date_a_rejection_before_its_version(processes: Processes, finished: Project) -> None:
    """Else the back-off that counts from there would be over before it began."""
    from mlflow import MlflowClient

    with finished.context() as context:
        MlflowClient(context.registry.uri, context.registry.uri).set_model_version_tag(
            "flights", "2", "review", "rejected"
        )
    ended = processes.run("monitor", spec=finished.path, at=CALM)
    assert ended.error is None, ended.trace
    with finished.context() as context:
        (rejected,) = context.ledger.reviews.of("flights")
        (update,) = [each for each in context.ledger.runs.of("flights") if each.outcome == "registered"]
    assert rejected.at == update.ended_at
