"""A model under care with nothing on disk: for a backtest, whose ledger and versions end with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from ..data.source import open_source
from ..ledger.ledger import Ledger, PromotionKind
from ..loop.context import Care
from ..models.registry.in_memory import Shelf
from ..spec.model import Spec
from ..spec.stores import stores_of


@contextmanager
def rehearsed(spec: Spec) -> Iterator[Care]:
    """Open the spec's data, a ledger in memory and an empty shelf; the live stores are not touched."""
    with ExitStack() as stack:
        source = stack.enter_context(open_source(spec, held=True))
        ledger = stack.enter_context(Ledger.open("sqlite://"))
        yield Care(spec, stores_of(spec), ledger, Shelf(spec), source)


def promoted(
    care: Care,
    version: str,
    at: datetime,
    *,
    kind: PromotionKind,
    reason: str,
    actor: str = "backtest",
    decision: str | None = None,
) -> None:
    """Let *version* serve from *at* on, and write it down."""
    previous = care.registry.promote(version)
    care.ledger.record_promotion(
        model=care.spec.model,
        version=version,
        previous=previous,
        at=at,
        kind=kind,
        actor=actor,
        reason=reason,
        decision=decision,
    )
