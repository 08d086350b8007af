"""Whether anything let a version serve: a gate, an earlier time as champion, or the start of a lineage of Ratoon's."""

from __future__ import annotations

from ...ledger.ledger import Promotion
from ...models.registry.versions import Version
from ...spec.errors import RegistryError
from ..context import Stores

_BEGINS = ("first", "adopted")
NOTICED = ("ungated", "put_back")  # moves that let no version serve by themselves


def served_before(context: Stores, version: str) -> bool:
    """Whether *version* was a champion that a gate, or the first training, had let go."""
    return any(p.version == version and p.kind not in NOTICED for p in context.ledger.promotions.of(context.spec.model))


def last_let(context: Stores) -> str | None:
    """The newest champion that something let serve: where the alias goes back to. None where there was none."""
    moves = context.ledger.promotions.of(context.spec.model)
    let = {p.version for p in moves if p.kind not in NOTICED}
    return next((p.version for p in reversed(moves) if p.version in let), None)


def why_ungated(context: Stores, version: Version) -> str | None:
    """Why *version* may not serve, as half a sentence; None where something let it.

    The tags alone are not believed: the decision that they name must be the ledger's, and this the version that its
    run registered. A beginning needs none, where nothing of Ratoon's served yet.
    """
    tags = version.meta
    if served_before(context, version.number):
        return None
    if not tags.made_by_ratoon:
        return "Ratoon did not register it and no gate compared it with the champion"
    if tags.strategy in _BEGINS:
        before = last_let(context)
        if before is None or not _ours(context, before):
            return None
        return f"it begins a lineage of its own (tag `ratoon.strategy`), and no gate compared it with v{before}"
    if tags.gate != "passed":
        return f"no gate passed it (tag `ratoon.gate`: {tags.gate or 'none'})"
    decision = context.ledger.decisions.find(version.decision) if version.decision else None
    if decision is None or decision.model != context.spec.model:
        return f"the decision that it names, {version.decision or 'none'}, is not in this model's ledger"
    own = context.registry.of_decision(decision.id)
    if own is not None and own.number != version.number:
        return f"its tags are those of v{own.number}, which the gate judged"
    if context.ledger.offers.of(context.spec.model).get(decision.id) == version.number:
        return None  # written down by the run that a gate let offer it
    trainings = [each for each in context.ledger.runs.of(context.spec.model) if each.decision == decision.id]
    if not any(each.version == version.number or each.outcome == "running" for each in trainings):
        return f"no training run of the decision that it names, {decision.id}, registered it"
    return None


def _ours(context: Stores, version: str) -> bool:
    try:
        return context.registry.version(version).meta.made_by_ratoon
    except RegistryError:  # deleted, which lets no stranger in
        return True


def actor_of(version: Version, last: Promotion | None, again: bool) -> str:
    """Who moved the alias to *version*, where MLflow knows; else `registry`.

    A version that served before may still carry the name of who set it then: its time tells.
    """
    who, when = version.meta.reviewed_by, version.meta.reviewed_at
    if not who or (again and last is not None and when <= last.at.isoformat()):
        return "registry"
    return who
