"""How a decision starts its action: by a deployment where a server has one, else within this run."""

from __future__ import annotations

from typing import Literal

from prefect import get_run_logger
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from ..spec.model import Spec
from ..spec.values import Decision

StartBy = Literal["auto", "deployment", "here"]

DEPLOYMENT = "ratoon"


def start_training(spec: Spec, decision: Decision, start: StartBy) -> None:
    """Start the retrain flow for *decision*.

    The decision's id is the idempotency key: however often this is called, a server holds one run.
    """
    if start != "here" and _deployed("retrain", spec, decision, must=start == "deployment"):
        return
    from .retrain import retrain

    retrain(spec=str(spec.path), decision=decision.id)


def start_roll_back(spec: Spec, decision: Decision) -> None:
    """Put the previous champion back, as a rule asked."""
    from .promote import roll_back

    roll_back(
        spec=str(spec.path), reason="; ".join(decision.reasons), actor="policy", decision=decision.id, at=decision.at
    )


def _deployed(flow: str, spec: Spec, decision: Decision, *, must: bool) -> bool:
    """Ask the server for a run of the deployment; False where there is no server or no such deployment."""
    logger = get_run_logger()
    if get_current_settings().api.url is None:
        if must:
            raise RuntimeError(
                "start='deployment' needs a Prefect server, and PREFECT_API_URL is not set; "
                "the decision is recorded, no run was started"
            )
        return False
    try:
        run = run_deployment(
            f"{flow}/{DEPLOYMENT}",
            parameters={"spec": str(spec.path), "decision": decision.id},
            idempotency_key=decision.id,
            flow_run_name=f"{flow} {spec.model} for decision {decision.id}",
            tags=[spec.model],
            timeout=0,
        )
    except ObjectNotFound:
        if must:
            raise
        logger.info("The server has no deployment %s/%s; the flow runs within this one.", flow, DEPLOYMENT)
        return False
    logger.info("Started %s as run %s.", flow, getattr(run, "name", run))
    return True
