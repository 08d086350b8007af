"""Who carries a training run out, and how: a process that others compete with, or a simulation."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...ledger.ledger import TrainingRun
from ...spec.values import Decision
from ..context import ModelContext
from ..holding import Holder
from .claim import Claim, kept_alive


@dataclass(frozen=True)
class Runner:
    """*holder* asks for the model's claim; without one nothing competes, as in a backtest, and the clock on the wall
    shows the decision's moment.

    *flow_run* is the run's id in Prefect. *apart*: train in a process of its own, with the limits of `learner.limits`.
    *training_time* passes, by the decision's clock, until a simulated run has ended.
    """

    holder: Holder | None = None
    flow_run: str | None = None
    apart: bool = False
    training_time: timedelta = timedelta(0)

    @property
    def simulated(self) -> bool:
        """Whether nothing competes for the claim."""
        return self.holder is None

    def claim(self, context: ModelContext, fired: Decision) -> TrainingRun | None:
        """The training run of *fired*; None while another process, or another decision, has the model's one run."""
        return context.ledger.runs.claim(
            model=context.spec.model,
            decision=fired.id,
            at=fired.at,
            run=self.flow_run,
            abandon_after=context.spec.abandon_after,
            holder=self.holder.name if self.holder else None,
            dead=self.holder.dead if self.holder else (),
            now_wall=fired.at if self.simulated else None,
        )

    def ended_at(self, fired: Decision) -> datetime:
        """When the run of *fired* has ended, by the decision's clock."""
        return fired.at + self.training_time


SIMULATED = Runner()


def claim_of(context: ModelContext, run: TrainingRun, runner: Runner) -> AbstractContextManager[Claim]:
    """The claim of a run that began, its lease renewed until the block ends unless nothing competes for it."""
    return nullcontext(Claim(context.ledger, run)) if runner.simulated else kept_alive(context.ledger, run)
