"""Train the first version from scratch; it becomes the champion."""

from __future__ import annotations

from datetime import datetime

from ..loop.context import ModelContext, open_context
from ..loop.learn.cohorts import whole_cohorts
from ..loop.learn.first import first_version, train_first
from ..models.registry.versions import Claim
from .prefect.declared import declared_spec
from .prefect.engine import NO_CACHE, flow, flow_run, task
from .prefect.listener import PrefectListener
from .prefect.moment import moment_of
from .prefect.names import model_name, moment_name
from .prefect.readable import name_the_end


def _run_name() -> str:
    return f"train {model_name(flow_run.parameters)}{moment_name(flow_run.parameters)}"


@flow(name="train", flow_run_name=_run_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def train(spec: str, at: datetime | None = None) -> str:
    """Train the first version from scratch; it becomes the champion. Returns its version.

    Args:
        spec: Path of the model's spec.
        at: Learn what was known at this moment, as UTC; left out: now.
    """
    now = moment_of(at)
    with open_context(declared_spec(spec), PrefectListener()) as opened, whole_cohorts(opened, now) as context:
        return train_first(context, now, fit_first)


@task(cache_policy=NO_CACHE)
def fit_first(context: ModelContext, now: datetime, claim: Claim) -> str:
    """Fit on every labelled row outside the holdout, judge on the holdout, register."""
    bounded = context.spec.learner.limits.apart
    return first_version(context, now, flow_run=str(flow_run.id or ""), bounded=bounded, claim=claim).number
