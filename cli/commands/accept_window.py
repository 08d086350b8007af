"""`ratoon accept-window`: what it does, for the command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ...ledger.entries import Acceptance
from ...ledger.ledger import Ledger
from ...loop.moment import as_utc
from ...loop.review.accept import accept
from ...spec.model import Spec
from ...spec.stores import stores_of


def accept_windows(spec: Spec, *, until: datetime, now: datetime | None, actor: str, reason: str) -> Acceptance:
    """Accept the windows of the model's evaluations up to *until*; a date means that whole day. Raises BadInput."""
    moment = now or datetime.now(UTC).replace(tzinfo=None)
    until = as_utc(until)
    if until == until.replace(hour=0, minute=0, second=0, microsecond=0):
        until += timedelta(days=1) - timedelta(microseconds=1)
    with Ledger.open(stores_of(spec).ledger) as ledger:
        return accept(ledger, spec, until=until, now=moment, actor=actor or "unknown", reason=reason)
