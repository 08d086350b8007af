"""All that the stores hold of one model, read once: no data is read, and nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..data.metrics.own import metric_of
from ..ledger.ledger import Ledger, Promotion, Review, UpdateRow
from ..models.registry.aliases import CHALLENGER, CHAMPION
from ..models.registry.mlflow_registry import Registry
from ..models.registry.versions import Version
from ..spec.keys.rules import Policy
from ..spec.model import Spec
from ..spec.values import Decision, History, Score


@dataclass(frozen=True)
class Life:
    """One model's life up to *until*; *versions* newest first, all else oldest first.

    *history* is what the policy would see at *until*, which is the moment asked for, or that of the last decision or
    training; None where nothing happened. *pages* are the addresses of versions in MLflow's UI, where it has one.
    """

    model: str
    spec: str
    mode: str
    metric: str
    greater_is_better: bool
    policy: Policy
    decisions: tuple[Decision, ...] = ()
    updates: tuple[UpdateRow, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    reviews: tuple[Review, ...] = ()
    scores: dict[str, Score] | None = None
    versions: tuple[Version, ...] = ()
    champion: str | None = None
    challenger: str | None = None
    history: History | None = None
    until: datetime | None = None
    pages: dict[str, str] | None = None

    @property
    def promoted(self) -> Promotion | None:
        """The move by which the champion came to serve; None where the ledger holds none."""
        return next((move for move in reversed(self.promotions) if move.version == self.champion), None)


def read_life(spec: Spec, ledger: Ledger, registry: Registry, *, end: datetime | None = None) -> Life:
    """Read everything up to *end* (left out: all). Without *end* the registry says who serves and who waits.

    With it, the ledger says who served then, and nobody is known to have waited.
    """
    decisions = tuple(each for each in ledger.decisions.of(spec.model) if _by(each.at, end))
    updates = tuple(each for each in ledger.runs.of(spec.model) if _by(each.at, end))
    promotions = tuple(each for each in ledger.promotions.of(spec.model) if _by(each.at, end))
    versions = registry.versions()
    moments = [each.at for each in decisions] + [each.ended_at or each.at for each in updates]
    until = end or max(moments or [each.at for each in promotions], default=None)
    known = {each.version for each in updates} | {each.version for each in promotions}
    if end is not None:
        versions = tuple(each for each in versions if each.number in known)
    champion = ledger.promotions.champion_at(spec.model, end) if end is not None else _alias(versions, CHAMPION)
    return Life(
        model=spec.model,
        spec=spec.path.name,
        mode=spec.mode,
        metric=spec.metric,
        greater_is_better=metric_of(spec).greater_is_better,
        policy=spec.deciding,
        decisions=decisions,
        updates=updates,
        promotions=promotions,
        reviews=tuple(each for each in ledger.reviews.of(spec.model) if _by(each.at, end)),
        scores={name: score for name, score in ledger.scores.of(spec.model).items() if _by(score.at, end)},
        versions=versions,
        champion=champion,
        challenger=None if end is not None else _alias(versions, CHALLENGER),
        history=None if until is None else ledger.history(spec.model, until, shadow=spec.mode == "shadow"),
        until=until,
        pages={each.number: page for each in versions if (page := registry.page(each.number))},
    )


def _by(at: datetime, end: datetime | None) -> bool:
    return end is None or at <= end


def _alias(versions: tuple[Version, ...], alias: str) -> str | None:
    return next((each.number for each in versions if alias in each.aliases), None)
