"""Methods of 0.1's `Ledger`, which are its repositories' now: they work through 0.2, and warn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from .entries import Promotion, Review

_NOW = {
    "record_decision": "decisions.record",
    "find_decision": "decisions.find",
    "looks": "decisions.evaluations",
    "signals": "decisions.signals",
    "policy": "policies.find",
    "record_score": "scores.record",
    "unscored": "scores.unscored",
    "take_off": "runs.claim",
    "land": "runs.finish",
    "in_the_air": "runs.is_claimed",
    "updates": "runs.of",
    "champion_at": "promotions.champion_at",
    "champions": "promotions.of",
    "record_promotion": "promotions.record",
    "record_review": "reviews.record",
    "record_catch": "unapproved.record",
    "catches": "unapproved.of",
    "record_acceptance": "acceptances.record",
    "claim": "claims.find",
    "claim_first": "claims.claim_first",
    "release_first": "claims.release_first",
    "renew": "runs.renew",
    "offer": "offers.record",
    "take_back": "offers.withdraw",
    "intend_files": "files.intend",
    "intended_files": "files.intended",
    "keep_files": "files.keep",
    "with_files": "files.versions",
}
_VALUES = {"record_promotion": Promotion, "record_review": Review}


def former_method(ledger: object, name: str) -> Callable[..., object]:
    """What the method *name* of 0.1 did; AttributeError if there was none."""
    if name not in _NOW:
        raise AttributeError(f"{type(ledger).__name__!r} object has no attribute {name!r}")
    warnings.warn(f"Ledger.{name} is Ledger.{_NOW[name]} now; it goes with 0.3", DeprecationWarning, stacklevel=3)
    method: Callable[..., object] = attrgetter(_NOW[name])(ledger)
    if name not in _VALUES:
        return method

    def record(*, noticed: bool | None = None, **fields: Any) -> object:
        return method(_VALUES[name](**fields), **({} if noticed is None else {"noticed": noticed}))

    return record
