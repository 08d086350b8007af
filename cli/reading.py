"""The facts about one model, read from ledger and registry without starting anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..ledger.entries import UpdateRow
from ..ledger.ledger import Ledger
from ..models.registry.embedded import EmbeddedVersions
from ..models.registry.store import uri_of
from ..models.registry.versions import Version
from ..models.subprocesses.digests import compared
from ..spec.errors import RegistryError
from ..spec.masked import masked
from ..spec.model import Spec
from ..spec.stores import sqlite_file, stores_of
from ..spec.values import Decision, Score


@dataclass(frozen=True)
class ModelFacts:
    """What the stores hold of one model; *versions* newest first, *decisions* and *updates* oldest first."""

    model: str
    registry: str
    versions: list[dict[str, str]]
    decisions: list[Decision]
    updates: list[UpdateRow]
    promotions: list[dict[str, object]]
    scores: dict[str, Score]

    def as_json(self) -> dict[str, object]:
        """Plain JSON, with the newest decision only."""
        last = self.decisions[-1].model_dump(mode="json") if self.decisions else None
        return {
            "model": self.model,
            "registry": self.registry,
            "versions": self.versions,
            "last_decision": last,
            "decisions": len(self.decisions),
            "updates": [update_json(each) for each in self.updates],
            "promotions": self.promotions,
            "scores": {name: score.model_dump(mode="json") for name, score in self.scores.items()},
        }


def update_json(update: UpdateRow) -> dict[str, object]:
    """A training run as plain JSON, with what became of it in words; also by the keys of 0.1, which go with 0.3."""
    found = update.model_dump(mode="json")
    for attempt in found["evidence"].get("attempts", ()):
        attempt["rung"] = attempt.get("strategy")
    return found | {"became": update.became, "taken_off": found["claimed_at"]}


def read_facts(spec: Spec) -> ModelFacts:
    """Read everything that the stores hold of the model."""
    stores = stores_of(spec)
    uri, versions = registered(spec)
    with Ledger.open(stores.ledger) as ledger:
        changed = _changed(spec, uri, versions, ledger)
        return ModelFacts(
            model=spec.model,
            registry=masked(uri),
            versions=[_version(found) | {"changed": changed.get(found.number, "")} for found in versions],
            decisions=ledger.decisions.of(spec.model),
            updates=ledger.runs.of(spec.model),
            scores=ledger.scores.of(spec.model),
            promotions=[promotion.model_dump(mode="json") for promotion in ledger.promotions.of(spec.model)],
        )


def registered(spec: Spec) -> tuple[str, Sequence[Version]]:
    """Where the registry is, and the model's versions in it; MLflow is imported only for a server's."""
    uri = uri_of(spec)
    stored = EmbeddedVersions.find(uri, spec.model)
    if stored is not None:
        return uri, stored.versions()
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        return uri, ()
    from ..models.registry.mlflow_registry import Registry

    registry = Registry.open(spec)
    return registry.uri, registry.versions()


def _changed(spec: Spec, uri: str, versions: Sequence[Version], ledger: Ledger) -> dict[str, str]:
    """What of the files of versions with an alias is not as it was registered, by number; local files only."""
    stored = EmbeddedVersions.find(uri, spec.model)
    found: dict[str, str] = {}
    for version in versions if stored is not None else ():
        folder = stored.files(version.number) if version.aliases and stored is not None else None
        if folder is None:
            continue
        try:
            compared(folder, version.meta.files, ledger.files.find(spec.model, version.number))
        except (RegistryError, OSError) as error:
            found[version.number] = str(error)
    return found


def _version(found: Version) -> dict[str, str]:
    tags = found.meta
    return {
        "version": found.number,
        "alias": ", ".join(found.aliases),
        "strategy": tags.text("strategy"),
        "rung": tags.text("strategy"),  # its former name, which goes with 0.3
        "parent": tags.text("parent"),
        "watermark": tags.text("watermark"),
        "learned_rows": tags.text("learned_rows"),
        "against": tags.text("against"),
        "gate": tags.text("gate"),
        "decision": found.decision or "",
    }
