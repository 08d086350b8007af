"""Adopt a model that someone else trained; it becomes the champion."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from ..loop.champion_lock import champion_lock
from ..loop.context import ModelContext, open_context
from ..loop.moment import as_utc
from ..loop.review.adopt import Adopted, adopt
from ..loop.review.promote import Move
from .prefect.declared import declared_spec
from .prefect.engine import NO_CACHE, flow, flow_run, task
from .prefect.listener import PrefectListener
from .prefect.moment import moment_of
from .prefect.names import model_name
from .prefect.readable import name_the_end
from .promote import move


class Adoption(BaseModel):
    """The version that a foreign model became; what could be recovered of its state, and what is missing."""

    version: str
    source: str
    recovered: list[str]
    missing: list[str]


def _run_name() -> str:
    return f"adopt {model_name(flow_run.parameters)}"


@flow(name="adopt", flow_run_name=_run_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def adopt_model(
    spec: str,
    version: str | None = None,
    model_uri: str | None = None,
    learned_until: datetime | None = None,
    actor: str = "",
    at: datetime | None = None,
) -> Adoption:
    """Adopt a model that someone else trained and logged in MLflow; it becomes the champion.

    Args:
        spec: Path of the model's spec.
        version: A version or alias of the spec's registered model; left out: the one that serves, else version 1.
        model_uri: Any other logged model, such as runs:/…/model.
        learned_until: Arrival time of the newest label that it has learned, as UTC.
        actor: Who adopts it.
        at: The moment it counts from; left out: now.
    """
    with open_context(declared_spec(spec), PrefectListener()) as context, champion_lock(context) as lock:
        now = moment_of(at)
        told = as_utc(learned_until) if learned_until else None
        adopted = register_adopted(context, version, model_uri, told, now)
        number = adopted.version.number
        move(context, number, Move("first", f"adopted from {adopted.source}", actor or "ratoon", now), lock)
        return Adoption(version=number, source=adopted.source, **vars(adopted.found))


@task(cache_policy=NO_CACHE)
def register_adopted(
    context: ModelContext, version: str | None, model_uri: str | None, learned_until: datetime | None, now: datetime
) -> Adopted:
    """Recover what can be recovered, check that it predicts the same, register."""
    return adopt(
        context, ref=version, address=model_uri, learned_until=learned_until, now=now, flow_run=str(flow_run.id or "")
    )
