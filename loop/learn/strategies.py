"""The strategies that a training run tries, on the rows that were known at its decision's moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from ...data.sources.moment import TICK
from ...data.view import View
from ...models.ladder.apart import run_ladder_apart
from ...models.ladder.run import Asked, LadderResult, LadderRows, run_ladder
from ...models.ladder.skipped import rows_to_learn
from ...models.learning.trained import Trained
from ...models.subprocesses.remote import RemoteEstimator
from ...spec.model import Spec
from ...spec.values import Decision, Strategy
from ..champion import Champion
from ..context import ModelContext
from ..excluded import KeptOut, impossible, kept_out, without
from ..observe.windows import reference_span
from .candidates import learned_broken, lines
from .forecast import forecast
from .held_out import held_out
from .missed import missed
from .revised import revised
from .tries import history_of, to_try


@dataclass(frozen=True)
class _Known:
    """What was known at the moment of *fired*: the data as of then, and which of its rows are broken."""

    context: ModelContext
    champion: Champion
    fired: Decision
    view: View
    broken: KeptOut
    few: KeptOut  # rows that are impossible, each by itself

    @property
    def watermark(self) -> datetime:
        """The champion's watermark."""
        return self.champion.trained.state.watermark

    def sound(self, rows: pd.DataFrame) -> pd.DataFrame:
        """*rows* without broken ones."""
        return without(rows, self.broken)

    def since(self) -> dict[Strategy, datetime | None]:
        """From when on the strategies from scratch learn; None: from the beginning."""
        learner, at = self.context.spec.learner, self.fired.at
        lately = (
            at - learner.recent if learner.recent else reference_span(self.view, self.context.spec.monitors, at).start
        )
        return {"scratch": at - learner.history if learner.history else None, "scratch_recent": lately}


def ladder(
    context: ModelContext,
    champion: Champion,
    fired: Decision,
    *,
    bounded: bool = False,
    offer: bool = True,
    asked: Asked | None = None,
) -> LadderResult:
    """Try strategies on what was known at the decision's moment, but for rows of broken data.

    Without *offer* those that are due learn in the background, and no gate is asked. *bounded*: in a process of its
    own, with the limits of `learner.limits`; raises TrainingDied where that was ended. *asked*: what `to_try` said.
    """
    history = history_of(context, fired)
    asked = asked or to_try(context, fired, history, offer=offer)
    if not offer and not asked.learn:
        return LadderResult(())
    looks = context.ledger.decisions.evaluations(
        context.spec.model, before=fired.at + TICK
    )  # the decision's own look included
    view = context.source.as_of(fired.at)
    known = _Known(context, champion, fired, view, kept_out(looks), impossible(looks))
    found = lines(context, champion.version, history)
    own = {r: line for r, line in found.items() if not learned_broken(context, view, looks, line, known.watermark)}
    result = _run(known, own, asked, bounded=bounded, offer=offer)
    return _with_left_out(known, result) if offer else result


def _run(known: _Known, own: Mapping[Strategy, Trained], asked: Asked, *, bounded: bool, offer: bool) -> LadderResult:
    context, fired, view, base = known.context, known.fired, known.view, known.champion.trained
    spec, since = _demanding(context.spec, fired), known.since()
    recent, anchor, outdated = held_out(spec, view, base.state, fired.at, known.broken) if offer else _NOTHING
    oldest = min(each.state.watermark for each in (base, *own.values()))
    unlearned = known.sound(view.unlearned(oldest))
    apart = bounded or isinstance(base.estimator, RemoteEstimator)  # whose code runs in no process but its own

    def rows() -> dict[Strategy, int]:
        return rows_to_learn(base, own, unlearned, spec.learner) | {
            strategy: view.unlearned_count(after)  # with rows of broken data: to leave them out, all would be read
            for strategy, after in since.items()
        }

    return (run_ladder_apart if apart else run_ladder)(
        base,
        spec,
        rows=LadderRows(
            unlearned=unlearned,
            scratch=lambda after: known.sound(view.learned(fired.at, since=after)),
            recent=recent,
            anchor=anchor,
            older_rows=len(view.holdout(None, until=known.watermark, limit=1)) if offer else None,
            outdated=outdated,
            since=since["scratch"],
            recent_since=since["scratch_recent"],
        ),
        lines=own,
        asked=asked,
        full=fired.action == "full_retrain",
        skipped=forecast(context, fired, rows),
    )


def _with_left_out(known: _Known, result: LadderResult) -> LadderResult:
    """*result* with what no update learns: rows and labels that came too late, and impossible rows."""
    context, view, trained = known.context, known.view, known.champion.trained
    lost = missed(context.spec, view, trained.state, known.broken)
    still = context.source.held and not context.spec.data.newest_label  # what is held does not change
    changed = None if still else revised(view, trained)
    new = view.unlearned(known.watermark) if known.few else pd.DataFrame()
    return replace(result, missed=lost, revised=changed, kept_out=len(new) - len(without(new, known.few)))


_NOTHING: tuple[pd.DataFrame, pd.DataFrame, str | None] = (pd.DataFrame(), pd.DataFrame(), None)


def _demanding(spec: Spec, fired: Decision) -> Spec:
    """*spec* with what its gate asks of recent rows after such a verdict."""
    if fired.triage.verdict != "harm":
        return spec
    return spec.model_copy(update={"gate": spec.gate.model_copy(update={"recent": spec.gate.asked_in_harm})})
