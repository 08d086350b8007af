"""Drive the live flows over history at simulated times."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..loop.context import ModelContext, open_context
from ..loop.plan import plan, step_of
from ..loop.rehearsal import write_rehearsal
from ..loop.replayed import Replayed, sum_up
from ..spec.load import load_spec
from .monitor import monitor
from .prefect.declared import declared_spec
from .prefect.engine import PREFECT, flow, flow_run
from .prefect.events import nobody_told
from .prefect.form import End, SpecPath, Start, Step
from .prefect.long_work import LongWork
from .prefect.names import end_name, model_name
from .prefect.progress import Tick, tell
from .prefect.readable import name_the_end
from .train import train

__all__ = ["Replayed", "replay"]


def _run_name() -> str:
    return f"replay {model_name(flow_run.parameters)} every {flow_run.parameters.get('every')}"


@flow(name="replay", flow_run_name=_run_name, on_failure=[name_the_end], on_crashed=[name_the_end])
def replay(
    *,
    every: Step = "7d",
    start: Start = None,
    end: End = None,
    into: Annotated[str | None, Field(json_schema_extra={"title": "Folder for its own stores"})] = None,
    spec: SpecPath,
) -> Replayed:
    """Drive the live flows over history at simulated times, with stores of the replay's own; it sends no events.

    Args:
        every: Step between simulated moments, such as 12h, 1d or 7d.
        start: The moment the first version is trained for. Leave None for when a third of the
            data's time has passed.
        end: The last moment. Leave None for the end of the data.
        into: A new folder. Leave None for the folder replay in the spec's home.
        spec: File that describes the model, on the machine where the flow runs. Leave it as it is.
    """
    rehearsal = write_rehearsal(declared_spec(spec), Path(into) if into else None)
    step = step_of(every)
    with _no_heartbeat(), nobody_told(), open_context(load_spec(rehearsal)) as context, _shown(context) as work:
        planned = plan(context.source, context.spec.path.name, start, end, step)
        train(spec=str(rehearsal), at=planned.start)
        for number, moment in enumerate(planned.moments, start=1):
            decision = monitor(spec=str(rehearsal), at=moment, start="here")
            work.heard("simulated moments", number, len(planned.moments))
            tell(
                Tick(
                    number, len(planned.moments), decision, context.ledger.promotions.of(context.spec.model)[-1].version
                )
            )
        replayed = sum_up(context, str(rehearsal), planned.span, len(planned.moments))
    end_name(f"{replayed.windows} evaluations, {replayed.trainings} trainings")
    return replayed


def _no_heartbeat() -> AbstractContextManager[object]:
    """Prefect's heartbeat takes a second of each flow run, of which a replay has hundreds."""
    if not PREFECT:
        return nullcontext()
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    return temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})


def _shown(context: ModelContext) -> LongWork:
    return LongWork("replay", context.spec.model, "training the first version")
