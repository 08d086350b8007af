"""The champion as of now, with all that monitors, policy and retraining ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ..data.metrics.metrics import Interval
from ..models.learning.state import baseline_of
from ..models.learning.trained import Trained
from ..models.registry.versions import Version
from ..monitors.performance.performance import Accepted
from ..monitors.profile import Profile
from ..spec.errors import RegistryError
from ..spec.model import Spec
from ..spec.values import Span
from .context import ModelContext, Stores
from .review.unapproved import NOTICED, last_let


@dataclass(frozen=True)
class Champion:
    """The version that serves.

    *since* is when it was promoted, *trained_at* the moment it was trained for; *reference* the window it
    was learned or accepted on, *accepted* the metric's baseline of its lineage, None where it was
    undefined; *known* the profile of all rows up to its watermark. *care* is where it was found.
    """

    version: str
    trained: Trained
    since: datetime
    trained_at: datetime
    reference: Span
    accepted: Accepted | None
    known: Profile | None
    context: ModelContext = field(repr=False, compare=False)


def find_champion(context: ModelContext) -> Champion:
    """Load the version behind the alias: the one that a retrain continues.

    Raises RegistryError where there is none, or where it was not registered by Ratoon, with the next step.
    """
    found = context.registry.champion()
    if found is None:
        served = last_let(context)
        raise RegistryError(
            f"{context.spec.model} has no champion in {context.registry.uri}; nothing was changed. "
            + (
                f"v{served} served last. Set the alias `champion` in MLflow again, or: ratoon promote "
                f"{context.spec.path} --version {served}"
                if served
                else f"Train the first version: ratoon train {context.spec.path}"
            )
        )
    try:
        return _champion(context, found)
    except RegistryError as error:
        before = replaced_by(context, found.number)
        if before is None or found.meta.made_by_ratoon:
            raise
        raise RegistryError(
            f"v{found.number} serves as {context.spec.model}, which Ratoon did not make, and it can be neither "
            f"watched nor continued: {error}. Nothing was decided. To put the one before it back: ratoon rollback "
            f"{context.spec.path}, which goes to v{before}"
        ) from error


def champion_as_of(context: ModelContext, now: datetime) -> Champion:
    """The version that served at *now*: the one that a monitor judges, so that a look back sees no future.

    Raises RegistryError where none served yet.
    """
    present = find_champion(context)
    if present.since <= now:
        return present
    number = context.ledger.promotions.champion_at(context.spec.model, now)
    if number is None:
        raise RegistryError(
            f"{context.spec.model} had no champion at {now:%Y-%m-%d %H:%M}: v{present.version} serves since "
            f"{present.since:%Y-%m-%d %H:%M}. Nothing was decided. Look at a later moment, or rehearse the past "
            f"with `ratoon replay {context.spec.path}`."
        )
    return _champion(context, context.registry.version(number), upto=now)


def _champion(context: ModelContext, found: Version, upto: datetime = datetime.max) -> Champion:
    trained = context.registry.load(found.number)
    state = trained.state
    trained_at = found.meta.at or state.watermark
    promotions = [
        p
        for p in context.ledger.promotions.of(context.spec.model)
        if p.version == found.number and p.at <= upto and p.kind != "put_back"  # it serves as if never moved away
    ]
    return Champion(
        version=found.number,
        trained=trained,
        since=promotions[-1].at if promotions else trained_at,
        trained_at=trained_at,
        reference=state.reference or Span(start=state.watermark, end=state.watermark),
        accepted=accepted_of(context.spec, trained),
        known=Profile.model_validate(state.profile) if state.profile else None,
        context=context,
    )


def accepted_of(spec: Spec, trained: Trained) -> Accepted | None:
    """The level that *trained* is held to: its lineage's baseline in the spec's metric."""
    kept = baseline_of(trained.state, spec)
    if kept is None:
        return None
    bounds = (kept.ratio, kept.ratio_low, kept.ratio_high)
    ratio = Interval(*bounds, kept.rows) if None not in bounds else None  # type: ignore[arg-type]  # no None in it
    return Accepted(kept.value, kept.low, kept.high, kept.rows, ratio)


def first_cpu_seconds(context: ModelContext) -> float:
    """What the first version took to learn; 0 where nobody knows any more."""
    first = next((p.version for p in context.ledger.promotions.of(context.spec.model) if p.kind == "first"), None)
    try:
        return context.registry.version(first).meta.cpu_seconds if first else 0.0
    except RegistryError:  # somebody deleted it, which is no reason not to look at the present one
        return 0.0


def replaced_by(context: Stores, serving: str | None) -> str | None:
    """The champion that *serving* replaced when it first came: where a roll-back goes; None for the first.

    One that the ledger does not know yet was set by hand a moment ago: it replaced the newest that it knows. What
    was only ever caught, since no gate let it serve, is passed over.
    """
    moves = context.ledger.promotions.of(context.spec.model)
    known = {p.version for p in moves}
    let = {p.version for p in moves if p.kind not in NOTICED}
    came = next(
        (n for n, p in enumerate(moves) if p.version == serving and p.kind not in ("roll_back", "put_back")), -1
    )
    if came < 0:
        earlier = moves if serving is not None and serving not in known else []
    else:
        previous = moves[came].previous
        if previous is None or previous in let or previous not in known:
            return previous
        earlier = moves[:came]
    return next((p.version for p in reversed(earlier) if p.version in let), None)


def rolled_back_at(context: ModelContext, now: datetime) -> datetime | None:
    """When a champion was last taken back, by *now*; what was put back from an ungated version does not count."""
    moves = context.ledger.promotions.of(context.spec.model)
    return max((p.at for p in moves if p.kind == "roll_back" and p.at <= now), default=None)
