"""What of a training run is registered: its winner with all evidence, and what other strategies made beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...models.ladder.run import LadderResult
from ...models.learning.trained import Trained
from ...models.registry.evidence import Evidence
from ...models.registry.versions import UNCLAIMED, Claim, Version
from ...policy.strategies.credits import gain_of
from ...spec.values import Decision
from ..champion import Champion
from ..context import ModelContext, Stores
from ..links import links_of
from .missed import told_of_missed
from .referenced import referenced
from .tries import history_of


@dataclass(frozen=True)
class Shown:
    """What a reviewer can look at beside the version: Evidently's *snapshots*, their *reports* (file name to HTML), and
    the flow run that made it."""

    snapshots: tuple[str, ...] = ()
    reports: Mapping[str, str] = field(default_factory=dict)
    flow_run: str = ""


def to_keep(context: Stores, result: LadderResult) -> Trained | None:
    """What is registered of *result*: its winner, else the unproven candidate where the spec continues such."""
    return result.candidate if result.winner or context.spec.learner.unproven == "continue" else None


def offered(
    context: ModelContext,
    champion: Champion,
    fired: Decision,
    result: LadderResult,
    candidate: Trained,
    *,
    claim: Claim = UNCLAIMED,
    shown: Shown = Shown(),
) -> Version:
    """Register the result's candidate with its evidence: as challenger where it won, else to go on from.

    One version for a decision.
    """
    view = context.source.as_of(fired.at)
    evidence = Evidence(
        decision=fired.id,
        at=fired.at,
        example=view.holdout(champion.trained.state.watermark, limit=5),
        reasons=(*fired.reasons, *_why(context, fired, candidate), *fired.triage.evidence, *told_of_missed(result)),
        action=fired.action,
        verdict=fired.triage.verdict,
        window=fired.window,
        against=champion.version,
        gate=result.gate,
        attempts=result.attempts,
        rows=result.rows,
        cpu_seconds=result.cpu_seconds,
        used=result.used,
        snapshots=shown.snapshots,
        reports=shown.reports,
        flow_run=shown.flow_run,
        spec_path=str(context.spec.path),
        links=links_of(context, champion.version, shown.snapshots, shown.flow_run),
    )
    return context.registry.register(referenced(context, view, candidate), evidence, claim=claim)


def _why(context: ModelContext, fired: Decision, candidate: Trained) -> tuple[str, ...]:
    """Why this strategy, in a sentence, if its trials tell."""
    gain = gain_of(history_of(context, fired), candidate.state.strategy)
    if gain is None:
        return ()
    against = "the present champion" if gain.by == "direct" else "the champions of some looks before"
    return (
        f"Why {gain.strategy}: before they learned them, its versions gained {gain.value:+.4g} a prediction "
        f"({gain.low:+.4g} to {gain.high:+.4g}) over {against}, on {gain.rows:,} newly labelled rows",
    )


def kept_behind(
    context: ModelContext, champion: Champion, fired: Decision, result: LadderResult, *, claim: Claim = UNCLAIMED
) -> dict[str, str]:
    """Register what the strategies made beside the candidate, to go on from; the version's number by strategy.

    Once for a decision and strategy, through its run's *claim*. Nothing of it serves, and no page is drawn for it.
    """
    if context.spec.learner.unproven == "drop":
        return {}
    offered_one = result.candidate.state.strategy if result.candidate is not None else None
    example = None
    found: dict[str, str] = {}
    for strategy, trained in result.learned.items():
        if strategy == offered_one or trained.version is not None:
            continue
        if example is None:
            example = context.source.as_of(fired.at).holdout(champion.trained.state.watermark, limit=5)
        attempt = next(each for each in result.attempts if each.strategy == strategy)
        evidence = Evidence(
            decision=f"{fired.id}:{strategy}",
            at=fired.at,
            example=example,
            reasons=(f"Strategy {strategy} was tried in the background.",),
            action="background",
            verdict=fired.triage.verdict,
            against=champion.version,
            attempts=(attempt,),
            rows=attempt.rows,
            cpu_seconds=attempt.cpu_seconds,
            spec_path=str(context.spec.path),
            background=True,
        )
        found[strategy] = context.registry.register(trained, evidence, claim=claim).number
    return found
