"""What a fired decision learns: the ladder is climbed, and the winner offered with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pandas as pd

from ...data.sources.moment import TICK
from ...ledger.ledger import Flight
from ...models.ladder.attempt import SCRATCH
from ...models.ladder.climbing import climb_apart, first_apart
from ...models.ladder.race import Asked, LadderRows, Race, climb, first
from ...models.ladder.skipped import rows_to_learn
from ...models.learning.trained import Trained
from ...models.registry.evidence import Evidence
from ...models.registry.versions import UNCLAIMED, Claim, Version
from ...models.subprocesses.remote import Isolated
from ...policy.decide import decision_id
from ...policy.strategies.credits import gain_of
from ...spec.model import Spec
from ...spec.values import Decision, LadderRung, Outcome
from ..champion import Champion
from ..context import Care, Kept
from ..excluded import impossible, kept_out, without
from ..links import links_of
from ..observe.windows import reference_span
from .candidates import learned_broken, lines
from .forecast import forecast
from .held_out import held_out
from .missed import missed
from .record import record_of
from .referenced import referenced
from .revised import revised
from .tries import history_of, to_try


def ladder(
    care: Care,
    champion: Champion,
    fired: Decision,
    *,
    bounded: bool = False,
    offer: bool = True,
    asked: Asked | None = None,
) -> Race:
    """Try strategies on what was known at the decision's moment, but for rows of broken data.

    Without *offer* those that are due learn in the background, and no gate is asked. *bounded*: in a process of its
    own, with the limits of `learner.limits`; raises TrainingDied where that was ended. *asked*: what `to_try` said.
    """
    spec, watermark = _demanding(care.spec, fired), champion.trained.state.watermark
    history = history_of(care, fired)
    asked = asked or to_try(care, fired, history, offer=offer)
    if not offer and not asked.learn:
        return Race(())
    view = care.source.as_of(fired.at)
    looks = care.ledger.looks(spec.model, before=fired.at + TICK)  # the decision's own look included
    found = lines(care, champion.version, history)
    own = {r: line for r, line in found.items() if not learned_broken(care, view, looks, line, watermark)}
    since = fired.at - spec.learner.history if spec.learner.history else None
    if spec.learner.recent:
        lately = fired.at - spec.learner.recent
    else:
        lately = reference_span(view, spec.monitors, fired.at).start
    broken = kept_out(looks)
    recent, anchor, outdated = held_out(spec, view, champion.trained.state, fired.at, broken) if offer else _NOTHING
    oldest = min(each.state.watermark for each in (champion.trained, *own.values()))
    unlearned = without(view.unlearned(oldest), broken)
    apart = bounded or isinstance(champion.trained.estimator, Isolated)  # whose code runs in no process but its own

    def rows() -> dict[LadderRung, int]:
        from_scratch: dict[LadderRung, datetime | None] = {"scratch": since, "scratch_recent": lately}
        return rows_to_learn(champion.trained, own, unlearned, spec.learner) | {
            rung: len(without(view.learned(fired.at, since=after), broken)) if broken else view.unlearned_count(after)
            for rung, after in from_scratch.items()
        }

    race = (climb_apart if apart else climb)(
        champion.trained,
        spec,
        rows=LadderRows(
            unlearned=unlearned,
            scratch=lambda after: without(view.learned(fired.at, since=after), broken),
            recent=recent,
            anchor=anchor,
            older_rows=len(view.holdout(None, until=watermark, limit=1)) if offer else None,
            outdated=outdated,
            since=since,
            recent_since=lately,
        ),
        lines=own,
        asked=asked,
        full=fired.action == "full_retrain",
        outlook=forecast(care, fired, rows),
    )
    if not offer:
        return race
    lost = missed(spec, view, champion.trained.state, broken)
    still = care.source.held and not spec.data.newest_label  # what is held does not change
    changed = None if still else revised(view, champion.trained)
    few = impossible(looks)
    new = view.unlearned(watermark) if few else pd.DataFrame()
    return replace(race, missed=lost, revised=changed, kept_out=len(new) - len(without(new, few)))


_NOTHING: tuple[pd.DataFrame, pd.DataFrame, str | None] = (pd.DataFrame(), pd.DataFrame(), None)


def _demanding(spec: Spec, fired: Decision) -> Spec:
    """*spec* with what its gate asks of recent rows after such a verdict."""
    if fired.triage.verdict != "harm":
        return spec
    return spec.model_copy(update={"gate": spec.gate.model_copy(update={"recent": spec.gate.asked_in_harm})})


def offered(
    care: Care,
    champion: Champion,
    fired: Decision,
    race: Race,
    candidate: Trained,
    *,
    claim: Claim = UNCLAIMED,
    snapshots: tuple[str, ...] = (),
    reports: Mapping[str, str] | None = None,
    flow_run: str = "",
) -> Version:
    """Register the race's candidate with its evidence: as challenger where it won, else to go on from.

    One version for a decision.
    """
    view = care.source.as_of(fired.at)
    evidence = Evidence(
        decision=fired.id,
        at=fired.at,
        example=view.holdout(champion.trained.state.watermark, limit=5),
        reasons=(*fired.reasons, *_why(care, fired, candidate), *fired.triage.evidence, *told_of_missed(race)),
        action=fired.action,
        verdict=fired.triage.verdict,
        window=fired.window,
        against=champion.version,
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
    return care.registry.register(referenced(care, view, candidate), evidence, claim=claim)


def _why(care: Care, fired: Decision, candidate: Trained) -> tuple[str, ...]:
    """Why this strategy, in a sentence, if its trials tell."""
    gain = gain_of(history_of(care, fired), candidate.state.rung)
    if gain is None:
        return ()
    against = "the present champion" if gain.by == "direct" else "the champions of some looks before"
    return (
        f"Why {gain.strategy}: before they learned them, its versions gained {gain.value:+.4g} a prediction "
        f"({gain.low:+.4g} to {gain.high:+.4g}) over {against}, on {gain.rows:,} newly labelled rows",
    )


def kept_behind(
    care: Care, champion: Champion, fired: Decision, race: Race, *, claim: Claim = UNCLAIMED
) -> dict[str, str]:
    """Register what the strategies made beside the candidate, to go on from; the version's number by strategy.

    Once for a decision and strategy, through its run's *claim*. Nothing of it serves, and no page is drawn for it.
    """
    if care.spec.learner.unproven == "drop":
        return {}
    offered_one = race.candidate.state.rung if race.candidate is not None else None
    example = None
    found: dict[str, str] = {}
    for strategy, trained in race.learned.items():
        if strategy == offered_one or trained.version is not None:
            continue
        if example is None:
            example = care.source.as_of(fired.at).holdout(champion.trained.state.watermark, limit=5)
        attempt = next(each for each in race.attempts if each.rung == strategy)
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
            spec_path=str(care.spec.path),
            background=True,
        )
        found[strategy] = care.registry.register(trained, evidence, claim=claim).number
    return found


def told_of_missed(race: Race) -> tuple[str, ...]:
    """The sentences about rows and labels that no update will learn, where there are any."""
    told: list[str] = []
    if race.kept_out:
        told.append(
            f"{race.kept_out:,} newly labelled rows are impossible, each by itself, and stay out; the signals of the "
            "looks say which. `ratoon accept-window` gives them back"
        )
    if race.candidate is not None and race.candidate.state.rung in SCRATCH:
        return tuple(told)
    if race.missed:
        told.append(
            f"{race.missed:,} labelled rows up to the watermark were never learned: their labels landed later than "
            "data.label_time or data.label_delay says. Only a fit from scratch learns them"
        )
    if race.revised:
        told.append(
            f"About {race.revised.estimate:,} of {race.revised.learned:,} labels have changed since they were learned "
            f"({race.revised.changed:,} of {race.revised.looked_at:,} looked at). Only a fit from scratch "
            "(`do: full_retrain`) learns them as they are now"
        )
    return tuple(told)


def to_keep(care: Kept, race: Race) -> Trained | None:
    """What is registered of *race*: its winner, else the unproven candidate where the spec continues such."""
    return race.candidate if race.winner or care.spec.learner.unproven == "continue" else None


def landed(
    care: Care,
    flight: Flight,
    race: Race,
    version: str | None,
    ended_at: datetime,
    *,
    offer: bool = True,
    behind: Mapping[str, str] | None = None,
    cpu_seconds: float | None = None,
) -> Outcome:
    """Write down how the training ended, with every strategy that was tried; *version* is the one that was registered.

    *behind*: the versions kept in the background, by strategy. *cpu_seconds*: all that the run took, reading and
    judging included; left out: learning and judging.
    """
    outcome: Outcome = "registered" if race.winner else "refused"
    if race.candidate is None and all(attempt.rows == 0 for attempt in race.attempts if not attempt.skipped):
        outcome = "nothing_new"
    if not offer:
        outcome = "background"
    record = record_of(race, version, behind or {}, cpu_seconds or 0.0)
    care.ledger.land(
        flight,
        outcome=outcome,
        version=version if race.winner else None,
        evidence=record,
        cpu_seconds=(record.cpu_seconds.total if record.cpu_seconds is not None else None) or 0.0,
        rows=sum(attempt.rows for attempt in race.attempts),
        watermark=race.winner.state.watermark if race.winner else None,
        ended_at=ended_at,
    )
    return outcome


def first_version(
    care: Care, now: datetime, flow_run: str = "", *, bounded: bool = False, claim: Claim = UNCLAIMED
) -> Version:
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
    return care.registry.register(referenced(care, view, trained), evidence, claim=claim)
