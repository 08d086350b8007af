"""The facts about one model, read from ledger and registry without starting anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..ledger.ledger import Ledger
from ..models.registry import Registry
from ..models.versions import Version
from ..spec.masked import masked
from ..spec.model import Spec
from ..spec.stores import stores_of
from ..spec.values import Decision, Score


@dataclass(frozen=True)
class ModelFacts:
    """What the stores hold of one model; *versions* newest first, *decisions* and *updates* oldest first."""

    model: str
    registry: str
    versions: list[dict[str, Any]]
    decisions: list[Decision]
    updates: list[dict[str, Any]]
    promotions: list[dict[str, Any]]
    scores: dict[str, Score]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, with the newest decision only."""
        last = self.decisions[-1].model_dump(mode="json") if self.decisions else None
        return {
            "model": self.model,
            "registry": self.registry,
            "versions": self.versions,
            "last_decision": last,
            "decisions": len(self.decisions),
            "updates": self.updates,
            "promotions": self.promotions,
            "scores": {name: score.model_dump(mode="json") for name, score in self.scores.items()},
        }


def read_facts(spec: Spec) -> ModelFacts:
    """Read everything that the stores hold of the model."""
    stores = stores_of(spec)
    registry = Registry.open(spec)
    with Ledger.open(stores.ledger) as ledger:
        return ModelFacts(
            model=spec.model,
            registry=masked(registry.uri),
            versions=[_version(found) for found in registry.versions()],
            decisions=ledger.decisions(spec.model),
            updates=[
                update.model_dump(mode="json") | {"became": update.became} for update in ledger.updates(spec.model)
            ],
            scores=ledger.scores(spec.model),
            promotions=[promotion.model_dump(mode="json") for promotion in ledger.champions(spec.model)],
        )


def _version(found: Version) -> dict[str, Any]:
    tags = found.tags
    return {
        "version": found.number,
        "alias": ", ".join(found.aliases),
        "rung": tags.get("ratoon.rung", ""),
        "parent": tags.get("ratoon.parent", ""),
        "watermark": tags.get("ratoon.watermark", ""),
        "learned_rows": tags.get("ratoon.learned_rows", ""),
        "against": tags.get("ratoon.against", ""),
        "gate": tags.get("ratoon.gate", ""),
        "decision": found.decision or "",
    }
