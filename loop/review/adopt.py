"""A model that someone else trained becomes a version under care."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...models.families.foreign import Foreign
from ...models.registry.adopting import adopt_apart
from ...models.registry.evidence import Evidence
from ...models.registry.mlflow_registry import Registry
from ...models.registry.recovered import Found
from ...models.registry.versions import Version
from ...policy.decide import decision_id
from ...spec.errors import BadInput, RegistryError
from ..context import ModelContext
from ..learn.referenced import referenced


@dataclass(frozen=True)
class Adopted:
    """The version that came of it, where it is from, and what was recovered and is missing, in words."""

    version: Version
    source: str
    found: Found


def source_of(context: ModelContext, ref: str | None, address: str | None) -> tuple[str, str | None]:
    """The address of the model to adopt, and its number where it is a version of the spec's registered model.

    *ref*: a version or alias of that model; *address*: any model's (`models:/…`, `runs:/…`, a folder). Neither:
    the alias `champion`, else the only version. Raises BadInput where that names none, RegistryError where it is
    Ratoon's own.
    """
    if ref and address:
        raise BadInput("Give --version or --model-uri, not both; nothing was changed.")
    model = context.spec.model
    if address is not None:
        own = re.fullmatch(rf"models:/{re.escape(model)}(?:/(\d+)|@(.+))", address)
        if own is None:
            return address, None
        ref = own.group(1) or own.group(2)
    serving = context.registry.champion()
    if ref is None and serving is not None and (before := serving.meta.adopted_from):
        return before, serving.parent  # it died before all was written down
    if ref is None:
        ref = serving.number if serving else "1"
    found = context.registry.version(ref)
    if found.meta.made_by_ratoon:
        raise RegistryError(
            f"version {found.number} of {model!r} was registered by Ratoon already; nothing was changed. To let it "
            f"serve: ratoon promote {context.spec.path} --version {found.number}"
        )
    return f"models:/{model}/{found.number}", found.number


def adopt(
    context: ModelContext,
    *,
    ref: str | None,
    address: str | None,
    learned_until: datetime | None,
    now: datetime,
    flow_run: str = "",
) -> Adopted:
    """Register a foreign model with the state that could be recovered; it does not serve yet.

    Tried again after a crash it finds the version that it made. Raises BadInput without *learned_until*, and as
    `recovered.recover` does; nothing is registered then.
    """
    registry = context.registry
    if not isinstance(registry, Registry):
        raise RegistryError("only a model in MLflow's registry can be adopted; nothing was changed")
    source, number = source_of(context, ref, address)
    with tempfile.TemporaryDirectory(prefix="ratoon-foreign-") as folder:
        foreign = Foreign(registry.download(source, Path(folder)), source, number)
        upto = _told(foreign, learned_until, now)
        decision = decision_id(context.spec.model, upto, f"adopt {source}")
        _refuse_a_second_lineage(context, decision)
        view = context.source.as_of(now)
        trained, found = adopt_apart(
            foreign,
            context.spec,
            rows=view.learned(upto),
            holdout=view.holdout(None, until=upto, limit=context.spec.gate.sample),
            upto=upto,
        )
        evidence = Evidence(
            decision=decision,
            at=now,
            example=view.learned(upto).head(5),
            reasons=(f"Adopted from {source}", *(f"Recovered: {each}" for each in found.recovered)),
            action="adopt",
            flow_run=flow_run,
            spec_path=str(context.spec.path),
            adopted_from=source,
        )
        version = registry.register(referenced(context, view, trained), evidence)
    return Adopted(version, source, found)


def _refuse_a_second_lineage(context: ModelContext, decision: str) -> None:
    serving = context.registry.champion()
    if serving is not None and serving.meta.made_by_ratoon and serving.decision != decision:
        raise RegistryError(
            f"{context.spec.model} has the champion v{serving.number}, which Ratoon made; nothing was changed. "
            "A foreign model begins a lineage: give it a spec with another `model`"
        )


def _told(foreign: Foreign, learned_until: datetime | None, now: datetime) -> datetime:
    """The watermark, which nobody but the user can know."""
    if learned_until is None:
        raise BadInput(
            f"{foreign.source} does not say up to when it has learned; without that, rows would be learned twice or "
            f"never. It was logged at {foreign.logged_at} (UTC). Nothing was changed; say the arrival time of the "
            "newest label that it learned: --learned-until 2026-01-31T00:00:00"
        )
    if learned_until > now:
        raise BadInput(
            f"--learned-until {learned_until:%Y-%m-%d %H:%M} lies behind now ({now:%Y-%m-%d %H:%M}, UTC): no model has "
            "learned labels of the future. Nothing was changed"
        )
    return learned_until
