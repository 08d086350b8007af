"""See what reviewers did in the registry: the sweep on its own, for a schedule, a webhook or a person."""

from __future__ import annotations

import os
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.runtime import deployment, flow_run
from prefect.settings import get_current_settings

from ..loop.context import open_stores
from ..spec.errors import Refused
from ..spec.load import load_spec
from .prefect.declared import declared_spec
from .prefect.form import SpecPath
from .prefect.listener import PrefectListener
from .prefect.moment import moment_of
from .prefect.names import end_name, model_name
from .prefect.readable import name_the_end
from .prefect.recover import recover
from .sweep import sweep

TAKEN_SECONDS = 20  # within which a worker takes a run, or the server cancels it in favour of another
_UNDER_UP = "RATOON_UP"  # in the environment of all that `ratoon up` started


def _run_name() -> str:
    return f"review {model_name(flow_run.parameters)}"


@flow(name="review", flow_run_name=_run_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def review(*, spec: SpecPath) -> list[str]:
    """Write down what reviewers did in MLflow: approvals, rejections, and aliases that no gate let go.

    Returns what was new, in words; the model's data is not read.

    Args:
        spec: File that describes the model, on the machine where the flow runs. Leave it as it is.
    """
    if deployment.id and _UNDER_UP not in os.environ:  # there `ratoon up` looks itself, and more often
        for each in recover(os.environ.get("RATOON_POOL", "ratoon")):
            get_run_logger().warning(each)
    with open_stores(declared_spec(spec), PrefectListener()) as kept:
        said = list(sweep(kept, moment_of(None)))
    if said:
        end_name("; ".join(said))
    return said


def start_review(spec: Path) -> None:
    """Run the review of *spec* on the Prefect server where it has the deployment `review/<model>`, else here.

    Raises Refused where the run was cancelled since another review was on: that one may have looked too early.
    """
    if get_current_settings().api.url is not None:
        try:
            run = run_deployment(
                f"review/{load_spec(spec).model}",
                parameters={"spec": str(spec)},
                timeout=TAKEN_SECONDS,
                poll_interval=1,
                as_subflow=False,
            )
        except ObjectNotFound:
            pass
        else:
            if isinstance(run, FlowRun) and run.state is not None and run.state.is_cancelled():
                raise Refused("another review was running, and may have looked before this was asked; nothing was read")
            return
    review(spec=str(spec))
