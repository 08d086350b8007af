"""Train the first version from scratch; it becomes the champion."""

from __future__ import annotations

from datetime import datetime

from ..loop.context import Care, take_care
from ..loop.learn.claim import FirstClaim, first_claim
from ..loop.learn.learn import first_version
from ..spec.errors import RegistryError
from .holding import holding
from .prefect.declared import declared_spec
from .prefect.engine import NO_CACHE, flow, flow_run, task
from .prefect.moment import moment_of
from .prefect.names import model_name, moment_name
from .prefect.readable import name_the_end
from .promote import move


def _run_name() -> str:
    return f"train {model_name(flow_run.parameters)}{moment_name(flow_run.parameters)}"


@flow(name="train", flow_run_name=_run_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def train(spec: str, at: datetime | None = None) -> str:
    """Train the first version from scratch; it becomes the champion. Returns its version.

    Args:
        spec: Path of the model's spec.
        at: Learn what was known at this moment, as UTC; left out: now.
    """
    with take_care(declared_spec(spec)) as care, holding(care) as holder:
        serving = care.registry.champion()
        if serving is not None and not serving.meta.made_by_ratoon:
            raise RegistryError(
                f"{care.spec.model} has the champion v{serving.number}, which Ratoon did not make; nothing was "
                f"changed. Take it under care with `ratoon adopt {care.spec.path} --learned-until MOMENT`."
            )
        now = moment_of(at)
        with first_claim(care, holder.name, holder.dead) as claim:
            version = fit_first(care, now, claim)
            claim.check()
            move(care, version, kind="first", reason="the first version", actor="ratoon", at=now)
        return version


@task(cache_policy=NO_CACHE)
def fit_first(care: Care, now: datetime, claim: FirstClaim) -> str:
    """Fit on every labelled row outside the holdout, judge on the holdout, register."""
    bounded = care.spec.learner.limits.apart
    return first_version(care, now, flow_run=str(flow_run.id or ""), bounded=bounded, claim=claim).number
