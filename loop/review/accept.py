"""A person declares that windows which were called broken are sound: their rows count again."""

from __future__ import annotations

from datetime import datetime

from ...data.sources.moment import TICK
from ...ledger.entries import Acceptance
from ...ledger.ledger import Ledger
from ...spec.errors import BadInput
from ...spec.model import Spec


def accept(ledger: Ledger, spec: Spec, *, until: datetime, now: datetime, actor: str, reason: str) -> Acceptance:
    """Accept the looks that follow one another and end with the last one at or before *until*: those at broken data, or
    at rows that are kept out one by one.

    From the next decision on, runs learn the rows that came between them, and gates judge by them. What the next look
    itself sees is judged anew. Raises BadInput, and writes nothing, where there is no reason or no such look.
    """
    if not reason.strip():
        raise BadInput("--reason: expected why the window is sound; the ledger keeps it. Nothing was changed.")
    looks = [look for look in ledger.decisions.evaluations(spec.model, before=now + TICK) if look.at <= until]
    broken = [look.at for look in looks if look.holds_back]
    if not broken:
        last = f"; the last look until then was at {looks[-1].at:%Y-%m-%d %H:%M}" if looks else ""
        raise BadInput(
            f"--until: no window of {spec.model!r} that was called broken, or kept rows out, and is not accepted yet "
            f"ended by {until:%Y-%m-%d %H:%M}{last}. `ratoon history` lists them. Nothing was changed."
        )
    start = end = broken[-1]
    for look in reversed(looks):
        if look.at > end:
            continue
        if not look.holds_back:
            break
        start = look.at
    found = Acceptance(model=spec.model, start=start, until=end, at=now, actor=actor, reason=reason.strip())
    ledger.acceptances.record(found)
    return found
