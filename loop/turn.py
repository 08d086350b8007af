"""One turn of the loop at one moment: what is looked at, and what is decided on it.

Live monitors, replays and backtests all turn by this; they differ in who may decide, in what a decision starts, and in
who listens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from ..data.view import View
from ..monitors.observe import Observation
from ..policy.decide import decision_id
from ..spec.values import FIRING, Action, Decision, Signal
from .champion import Champion, champion_as_of
from .context import ModelContext
from .decide import decided
from .observe.fleet import Fleet, present_fleet
from .observe.pages import draw, wants_pages
from .observe.score import score_past
from .observe.watch import watch
from .observe.windows import ObservedWindows, read_windows


@dataclass
class Turn:
    """What may be seen at *now*: everything as of that moment, and nothing else. Each part is read when first asked."""

    context: ModelContext
    champion: Champion
    now: datetime
    fleet: Fleet = field(default_factory=present_fleet)

    @cached_property
    def view(self) -> View:
        """The data as of now."""
        return self.context.source.as_of(self.now)

    @cached_property
    def windows(self) -> ObservedWindows:
        """What the monitors look at."""
        return read_windows(self.view, self.context.spec, self.champion)

    @cached_property
    def observation(self) -> Observation:
        """What the monitors say, without pages for people; no window, however broken, stops one of them."""
        return watch(self.context, self.champion, self.windows, pages=False)

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """What the monitors say, and what the fleet's alarm asks."""
        asked = self.fleet.asks(self.context.spec.model, self.windows.current.span)
        return (*self.observation.signals, asked)

    @cached_property
    def asked(self) -> Decision:
        """What the spec's own policy would decide now."""
        return decided(self.context, self.champion, self.signals, self.windows.current.span, self.now)

    def forced(self, action: Action, reason: str, by: str) -> Decision:
        """A decision that no policy took: a schedule's, or a detector's.

        It carries verdict, facts and matches of the policy's, though not its action: ladder and gate ask what they
        would have asked of the policy at this moment, so that arms which fire at the same moments learn, judge and
        serve the same versions, and what is left between them is when they fire. A policy that fires by itself now
        lends its rule too, for its strategies and budget; where nothing is forced and the policy rolls back, so does
        this.
        """
        same = self.asked.fires if action in FIRING else self.asked.action == "roll_back"
        return self.asked.model_copy(
            update={
                "id": decision_id(self.context.spec.model, self.now, by),
                "action": self.asked.action if same else action,
                "rule": self.asked.rule if same else None,
                "rule_id": self.asked.rule_id if same else None,
                "reasons": (reason,),
                "policy": by,
            }
        )


def begin_turn(context: ModelContext, now: datetime) -> Turn:
    """The turn at *now*: under the champion of then, with the decisions before it scored as far as labels came.

    Raises RegistryError if none served by *now*.
    """
    champion = champion_as_of(context, now)
    context.source.as_of(now).hold(champion.reference.start)
    score_past(context, now)
    return Turn(context, champion, now)


def record(turn: Turn, decision: Decision, signals: Sequence[Signal], run: str | None = None) -> tuple[Decision, bool]:
    """Write the decision down before anything acts on it: the one that the ledger holds, and whether it is new.

    *run* is the flow run that took it. What decided is written beside it if that was the spec's own policy.
    """
    spec = turn.context.spec
    policy = spec.deciding if decision.policy == spec.policy_version else None
    return turn.context.ledger.decisions.record(decision, signals, policy=policy, run=run, live=spec.mode == "live")


def settle(turn: Turn, run: str | None = None) -> tuple[Decision, bool]:
    """Decide by the spec's policy, draw the pages if somebody will look at them, and write the decision down.

    Safe to retry: the decision's id follows from model, moment and policy, and the ledger keeps one. Returns the
    decision that the ledger holds, and whether it was written now.
    """
    context, spec = turn.context, turn.context.spec
    stored = context.ledger.decisions.find(decision_id(spec.model, turn.now, spec.policy_version))
    if stored is not None:
        return stored, False
    decision, signals = turn.asked, turn.signals
    if wants_pages(spec.monitors.pages, decision, _looked_before(context, turn.now)):
        drawn = draw(context, turn.champion, turn.windows, decision).signals
        signals = (*drawn, *signals[len(turn.observation.signals) :])
    written = record(turn, decision, signals, run)
    turn.fleet.heard(written[0])
    return written


def _looked_before(context: ModelContext, now: datetime) -> datetime | None:
    if context.spec.monitors.pages.every is None:
        return None
    return max((d.at for d in context.ledger.decisions.of(context.spec.model) if d.window and d.at < now), default=None)
