"""How a decision starts its action: by a deployment where a server has one, else within this run."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from ...spec.errors import Refused
from ...spec.model import Spec
from ...spec.values import Decision
from .engine import PREFECT, get_run_logger

StartBy = Literal["auto", "deployment", "here"]


def start_training(spec: Spec, decision: Decision, start: StartBy, *, attempt: int = 0) -> None:
    """Start the retrain flow for *decision*: the deployment `retrain/<model>` where the server has it.

    The decision's id is the idempotency key: however often this is called, a server holds one run. A run that
    died is not started again by that key; *attempt* 1, 2, … is a run of its own (`<id>:retry1`), which takes up
    the same run.
    """
    if start != "here" and _deployed("retrain", spec, decision, attempt, must=start == "deployment"):
        return
    from ..retrain import retrain

    retrain(spec=str(spec.path), decision=decision.id)


def start_roll_back(spec: Spec, decision: Decision) -> None:
    """Put the previous champion back, as a rule asked."""
    from ..promote import roll_back

    roll_back(
        spec=str(spec.path), reason="; ".join(decision.reasons), actor="policy", decision=decision.id, at=decision.at
    )


def run_key(decision: str, attempt: int = 0) -> str:
    """The idempotency key of a decision's run; of its *attempt*-th repeat, counted from 1."""
    return f"{decision}:retry{attempt}" if attempt else decision


def _has_server() -> bool:
    if not PREFECT:
        return False
    from prefect.settings import get_current_settings

    return get_current_settings().api.url is not None


def _deployed(flow: str, spec: Spec, decision: Decision, attempt: int, *, must: bool) -> bool:
    """Ask the server for a run of the deployment; False where there is no server or no such deployment."""
    logger = get_run_logger()
    if not _has_server():
        if must:
            raise RuntimeError(
                "start='deployment' needs a Prefect server, and PREFECT_API_URL is not set; "
                "the decision is recorded, no run was started"
            )
        return False
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    try:
        run = run_deployment(
            f"{flow}/{spec.model}",
            parameters={
                "spec": str(spec.path),
                "decision": decision.id,
                "reason": f"decided by the monitor: {decision.action}",
            },
            idempotency_key=run_key(decision.id, attempt),
            flow_run_name=f"{flow} {spec.model} for decision {decision.id}",
            tags=[spec.model],
            timeout=0,
        )
    except ObjectNotFound:
        if must:
            raise
        logger.info("The server has no deployment %s/%s; the flow runs within this one.", flow, spec.model)
        return False
    except PrefectHTTPStatusError as error:
        if error.response.status_code != HTTPStatus.CONFLICT:
            raise
        said = (
            f"The server's deployment {flow}/{spec.model} does not take a run for {spec.path}: it was deployed for "
            f"another spec of this name, or by an older Ratoon. Deploy again: ratoon deploy {spec.path}"
        )
        if must:
            raise Refused(f"{said}. Decision {decision.id} is recorded, no run was started.") from error
        logger.warning("%s. The flow runs within this one.", said)
        return False
    logger.info("Started %s as run %s.", flow, getattr(run, "name", run))
    return True
