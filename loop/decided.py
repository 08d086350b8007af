"""What is decided at one moment: signals, the ledger's history and the policy in; a decision out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..policy.decide import decide
from ..spec.values import Decision, History, Signal, Span
from .care import Care
from .champion import Champion, first_cpu_seconds, rolled_back_at
from .standing import learned_until
from .whole import broken_spans, without


def decided(care: Care, champion: Champion, signals: Sequence[Signal], window: Span, now: datetime) -> Decision:
    """The policy's decision at *now*; nothing is written."""
    return decide(signals, past(care, champion, now), care.spec.deciding, now, model=care.spec.model, window=window)


def past(care: Care, champion: Champion, now: datetime) -> History:
    """The ledger's history as of *now*, with what registry and data know of the champion."""
    watermark = champion.trained.state.watermark
    history = care.ledger.history(care.spec.model, now, shadow=care.spec.mode == "shadow")
    view, broken = care.source.as_of(now), broken_spans(care.ledger.looks(care.spec.model, before=now))

    def unlearned(since: datetime) -> int:
        return len(without(view.unlearned(since), broken)) if broken else view.unlearned_count(since)

    learned = learned_until(care, champion.version)
    return history.model_copy(
        update={
            "champion": champion.version,
            "champion_since": champion.since,
            "champion_trained_at": champion.trained_at,
            "rolled_back_at": rolled_back_at(care, now),
            "watermark": watermark,
            "new_rows": unlearned(watermark),
            "rows_to_learn": None if learned is None else unlearned(learned),
            "first_cpu_seconds": first_cpu_seconds(care),
        }
    )
