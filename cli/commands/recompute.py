"""`ratoon history --recompute`: take every decision again from the ledger alone, and compare."""

from __future__ import annotations

from dataclasses import dataclass

from ...ledger.ledger import Ledger
from ...policy.decide import decide
from ...policy.guards.own import Makes, guards_from
from ...spec.errors import RatoonError
from ...spec.model import Spec
from ...spec.stores import stores_of


@dataclass(frozen=True)
class Recomputed:
    """*differs* names the parts of a decision that came out otherwise; *skipped* says why it was not taken again."""

    decision: str
    differs: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def same(self) -> bool:
        """Whether it came out as it stands in the ledger."""
        return not self.differs and not self.skipped


def recompute(spec: Spec) -> list[Recomputed]:
    """Every decision of the model, oldest first; only the ledger is read: no data, no registry, no spec's rules.

    Guards of the team's own are asked as their files are now.
    """
    with Ledger.open(stores_of(spec).ledger) as ledger:
        own = guards_from(spec.folder, str(spec.path))
        return [_again(ledger, decision.id, own) for decision in ledger.decisions.of(spec.model)]


def _again(ledger: Ledger, identity: str, own: Makes) -> Recomputed:
    stored = ledger.decisions.find(identity)
    if stored is None or stored.basis is None or stored.window is None:
        return Recomputed(identity, skipped="started by hand: no policy took it")
    try:
        history, signals, policy = ledger.as_of(identity)
    except RatoonError as error:
        return Recomputed(identity, skipped=str(error))
    again = decide(signals, history, policy, stored.at, model=stored.model, window=stored.window, own=own)
    # Variables of a later release have no value in an older look; maps that hold nothing are no difference.
    facts = {name: value for name, value in again.facts.items() if name in stored.facts or not _empty(value)}
    again = again.model_copy(update={"facts": facts})
    if stored.rule_id is None:  # written before rules had ids
        guards = tuple(answer.model_copy(update={"rule_id": None}) for answer in again.guards)
        again = again.model_copy(update={"rule_id": None, "guards": guards})
    fields = type(stored).model_fields
    return Recomputed(identity, tuple(name for name in fields if getattr(again, name) != getattr(stored, name)))


def _empty(value: object) -> bool:
    return isinstance(value, dict) and not any(value.values())
