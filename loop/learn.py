"""What a fired decision learns: the ladder is climbed, and the winner offered with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ..data.moment import TICK
from ..ledger.ledger import Flight, Landed
from ..models.attempt import Attempt
from ..models.climbing import climb_apart, first_apart
from ..models.evidence import Evidence
from ..models.outlook import Outlook, expected, resting
from ..models.race import Race, climb, first
from ..models.trained import Trained
from ..models.versions import Version
from ..policy.budgets import cpu_seconds_left
from ..policy.decide import decision_id
from ..spec.model import Spec
from ..spec.rules import Rule
from ..spec.values import Decision, LadderRung
from .care import Care
from .champion import Champion
from .links import links_of
from .look import reference_span
from .referenced import referenced
from .whole import broken_spans, without


def ladder(care: Care, champion: Champion, fired: Decision, *, bounded: bool = False) -> Race:
    """Climb the ladder on what was known at the decision's moment, but for rows of broken data.

    *bounded*: in a process of its own, with the limits of `learner.limits`; raises TrainingDied where that was ended.
    """
    spec, watermark = care.spec, champion.trained.state.watermark
    view = care.source.as_of(fired.at)
    since = fired.at - spec.learner.history if spec.learner.history else None
    if spec.learner.recent:
        lately = fired.at - spec.learner.recent
    else:
        lately = reference_span(view, spec.monitors, fired.at).start
    back = watermark - spec.gate.anchor.within if spec.gate.anchor.within else None
    most = spec.gate.sample
    broken = broken_spans(care.ledger.looks(spec.model, before=fired.at + TICK))  # the decision's own look included
    unlearned = without(view.unlearned(watermark), broken)
    return (climb_apart if bounded else climb)(
        champion.trained,
        spec,
        unlearned=unlearned,
        scratch=lambda after: without(view.learned(fired.at, since=after), broken),
        recent=without(view.holdout(watermark, limit=most), broken),
        anchor=without(view.holdout(back, until=watermark, limit=most), broken),
        older_rows=len(view.holdout(None, until=watermark, limit=1)),
        full=fired.action == "full_retrain",
        since=since,
        recent_since=lately,
        outlook=_outlook(care, champion, fired, len(unlearned)),
    )


def _outlook(care: Care, champion: Champion, fired: Decision, new: int) -> Outlook:
    """What earlier climbs of this model say about the rungs, and what the rule's budget leaves."""
    spec = care.spec
    earlier = [each for each in care.ledger.updates(spec.model) if each.at < fired.at]
    climbs = [[Attempt.model_validate(one) for one in each.evidence.get("attempts", ())] for each in earlier]
    rule = next((each for each in spec.policy if (each.when, each.do) == (fired.rule, fired.action)), None)
    history = care.ledger.history(spec.model, fired.at)
    replayed = min(len(reservoir) if (reservoir := champion.trained.reservoir) is not None else 0, new)
    rows: dict[LadderRung, int] = {"warm": new, "warm_replay": new + replayed, "shrink_perturb": new + replayed}
    rows["scratch"] = champion.trained.state.learned_rows + new
    return Outlook(
        resting=resting(spec.learner.rungs, climbs) | _barred(spec, rule),
        expected=expected(climbs, rows),
        budget=cpu_seconds_left(rule, history, spec.deciding, fired.at) if rule is not None else None,
    )


def _barred(spec: Spec, rule: Rule | None) -> dict[LadderRung, str]:
    """The rungs that the rule which fired does not climb, with the reason."""
    if rule is None or rule.rungs is None:
        return {}
    reason = f"the rule that fired climbs only {', '.join(rule.rungs)} (its key `rungs`)"
    return {rung: reason for rung in spec.learner.rungs if rung not in rule.rungs}


def offered(
    care: Care,
    champion: Champion,
    fired: Decision,
    race: Race,
    winner: Trained,
    *,
    fence: Callable[[], None] = lambda: None,
    snapshots: tuple[str, ...] = (),
    reports: Mapping[str, str] | None = None,
    flow_run: str = "",
) -> Version:
    """Register the winner with its evidence as challenger: one version for a decision."""
    view = care.source.as_of(fired.at)
    evidence = Evidence(
        decision=fired.id,
        at=fired.at,
        example=view.holdout(champion.trained.state.watermark, limit=5),
        reasons=(*fired.reasons, *fired.triage.evidence),
        action=fired.action,
        verdict=fired.triage.verdict,
        window=fired.window,
        gate=race.gate,
        attempts=race.attempts,
        rows=race.rows,
        cpu_seconds=race.cpu_seconds,
        used=race.used,
        snapshots=snapshots,
        reports=reports or {},
        flow_run=flow_run,
        spec_path=str(care.spec.path),
        links=links_of(care, champion.version, snapshots, flow_run),
    )
    return care.registry.register(referenced(care, view, winner), evidence, fence=fence)


def landed(care: Care, flight: Flight, race: Race, version: str | None, ended_at: datetime) -> Landed:
    """Write down how the training ended, with every rung that ran."""
    outcome: Landed = "registered" if version else "refused"
    if version is None and all(attempt.rows == 0 for attempt in race.attempts if not attempt.skipped):
        outcome = "nothing_new"
    evidence: dict[str, Any] = {"attempts": [attempt.model_dump(mode="json") for attempt in race.attempts]}
    if race.promising:
        evidence["promising"] = True
    if race.used is not None:
        evidence["process"] = race.used.model_dump(mode="json")
    care.ledger.land(
        flight,
        outcome=outcome,
        version=version,
        evidence=evidence,
        cpu_seconds=race.cpu_seconds,
        rows=sum(attempt.rows for attempt in race.attempts),
        watermark=race.winner.state.watermark if race.winner else None,
        ended_at=ended_at,
    )
    return outcome


def first_version(care: Care, now: datetime, flow_run: str = "", *, bounded: bool = False) -> Version:
    """Fit on every labelled row outside the holdout, judge on the holdout, and register; *bounded* as in `ladder`."""
    view = care.source.as_of(now)
    rows, holdout = view.learned(now), view.holdout(None, limit=care.spec.gate.sample)
    used = None
    if bounded:
        trained, seconds, used = first_apart(care.spec, rows, holdout=holdout)
    else:
        trained, seconds = first(care.spec, rows, holdout=holdout)
    evidence = Evidence(
        decision=decision_id(care.spec.model, now, "first"),
        at=now,
        example=rows.head(5),
        reasons=("There was no champion yet.",),
        rows=len(rows),
        cpu_seconds=seconds,
        used=used,
        flow_run=flow_run,
        spec_path=str(care.spec.path),
    )
    return care.registry.register(referenced(care, view, trained), evidence)
