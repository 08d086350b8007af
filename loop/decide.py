"""What is decided at one moment: signals, the ledger's history and the policy in; a decision out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..policy.decide import decide
from ..policy.guards.own import guards_from
from ..policy.strategies.credits import leading
from ..spec.values import Decision, History, Signal, Span
from .champion import Champion, first_cpu_seconds, rolled_back_at
from .context import ModelContext
from .excluded import here_and_now, kept_out, without
from .learn.trials import trials_of
from .learn.tries import background_of


def decided(
    context: ModelContext, champion: Champion, signals: Sequence[Signal], window: Span, now: datetime
) -> Decision:
    """The policy's decision at *now*; nothing is written."""
    return decide(
        signals,
        past(context, champion, now, signals),
        context.spec.deciding,
        now,
        model=context.spec.model,
        window=window,
        own=guards_from(context.spec.folder, str(context.spec.path)),
    )


def past(context: ModelContext, champion: Champion, now: datetime, signals: Sequence[Signal] = ()) -> History:
    """The ledger's history as of *now*, with what registry and data know of the champion; *signals* are of the look
    that is to be decided on, whose impossible rows count no more."""
    watermark = champion.trained.state.watermark
    history = context.ledger.history(context.spec.model, now, shadow=context.spec.mode == "shadow")
    view, looks = context.source.as_of(now), context.ledger.decisions.evaluations(context.spec.model, before=now)
    broken = kept_out([*looks, *here_and_now(signals, now)])

    def unlearned(since: datetime) -> int:
        return len(without(view.unlearned(since), broken)) if broken else view.unlearned_count(since)

    background = background_of(context, now)
    known = history.model_copy(update={"champion": champion.version})
    known = known.model_copy(update={"trials": trials_of(context, view, champion, known, background, broken)})
    return known.model_copy(
        update={
            "leader": leading(known, background),
            "champion_since": champion.since,
            "champion_trained_at": champion.trained_at,
            "rolled_back_at": rolled_back_at(context, now),
            "watermark": watermark,
            "new_rows": unlearned(watermark),
            "first_cpu_seconds": first_cpu_seconds(context),
        }
    )
