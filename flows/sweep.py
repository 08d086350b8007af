"""What happened in the registry since Ratoon last looked: the sweep over aliases is the truth, events are hints."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from ..ledger.ledger import PromotionKind
from ..loop.care import Care


@task(retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE)
def sweep(care: Care, now: datetime) -> None:
    """Write down a champion that a person set in MLflow's own pages.

    MLflow records no actor for an alias, so that the ledger says "registry". Safe to retry: what is
    already the ledger's newest promotion is not written again.
    """
    model = care.spec.model
    known_reviews = {(review.version, review.verdict) for review in care.ledger.reviews(model)}
    for version in care.registry.rejected():
        if (version.number, "rejected") not in known_reviews:
            reason = version.tags.get("review_reason", "no reason was given (tag `review_reason`)")
            care.ledger.record_review(
                model=model,
                version=version.number,
                verdict="rejected",
                at=now,
                actor="registry",
                reason=reason,
                decision=version.decision,
            )
            get_run_logger().info("v%s was rejected in the registry: %s", version.number, reason)
    serving = care.registry.champion()
    known = care.ledger.champions(model)
    if serving is None or (known and known[-1].version == serving.number):
        return
    before = known[-1].version if known else None
    kind: PromotionKind = "first" if before is None else "promotion"
    if any(promotion.version == serving.number for promotion in known):
        kind = "roll_back"
    care.ledger.record_promotion(
        model=model,
        version=serving.number,
        previous=before,
        at=max(now, known[-1].at) if known else now,  # a look back must not put today's move into the past
        kind=kind,
        actor="registry",
        reason="the alias was moved in the registry; this is when the sweep saw it",
        decision=serving.decision,
    )
    get_run_logger().info("The champion alias moved from v%s to v%s in the registry.", before, serving.number)
