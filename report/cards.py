"""What an engineer wants to know first: who serves, how it does, what was decided last, who waits, what it cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ..ledger.ledger import UpdateRow
from ..pages.words import metric, plural, rounded, within
from ..policy.guards.budgets import CostBudget, RunBudget
from ..policy.guards.case import Case
from ..policy.guards.guards import guards_of
from ..policy.rules.variables import value_of
from ..policy.wording import moment, number
from ..spec.duration import format_duration
from .life import Life


@dataclass(frozen=True)
class Card:
    """One answer: *title* asks, *value* says it in a word or a figure, *notes* in sentences."""

    title: str
    value: str
    notes: tuple[str, ...] = ()
    mood: Literal["", "good", "bad"] = ""


def cards(life: Life) -> list[Card]:
    """The cards in the order of interest."""
    return [_serves(life), _does(life), _decided(life), _waits(life), _spent(life)]


def _serves(life: Life) -> Card:
    if life.champion is None:
        return Card("Serves", "nothing yet", (f"Train a first version: ratoon train {life.spec}",), "bad")
    value, move = f"v{life.champion}", life.promoted
    if move is None:
        return Card("Serves", value, ("The ledger does not know since when: the alias was moved elsewhere.",), "bad")
    what = {"first": "the first version", "roll_back": "a rollback"}.get(move.kind, f"a {move.kind.replace('_', ' ')}")
    by = f"{what} by {move.actor}" if move.actor else what
    notes = [f"since {moment(move.at)} UTC, {by}", *([f"“{move.reason}”"] if move.reason else [])]
    found = next((each for each in life.versions if each.number == life.champion), None)
    if found is not None and (learned := found.meta.watermark) is not None:
        notes.append(f"learned labels up to {learned:%Y-%m-%d %H:%M}")
    return Card("Serves", value, tuple(notes))


def _does(life: Life) -> Card:
    title = f"{life.metric} now"
    last = next((each for each in reversed(life.decisions) if each.window is not None), None)
    if last is None or last.window is None:
        return Card(title, "not measured", ("No window was looked at yet.",))
    facts = last.facts
    value = value_of("performance.value", facts)
    if value is None:
        said = f"Not measured in the window to {moment(last.window.end)} UTC."
        return Card(title, "not measured", (said, *_estimated(facts)))
    low, high = value_of("performance.low", facts), value_of("performance.high", facts)
    accepted, drop = value_of("performance.reference", facts), value_of("performance.drop", facts)
    limit = value_of("performance.tolerance", facts)
    notes = [f"accepted at {metric(accepted)}"] if accepted is not None else []
    if drop is not None and limit is not None:
        shown = [f"{x:.1%}" if life.policy.is_relative else number(x) for x in (abs(drop), limit)]
        notes.append(f"{shown[0]} {'worse' if drop > 0 else 'better'}; harm begins at {shown[1]} worse")
    notes.append(f"of v{last.champion}, window to {moment(last.window.end)} UTC")
    if life.champion is not None and last.champion != life.champion:
        notes.append(f"v{life.champion} has not been looked at yet")
    bad = bool(value_of("performance.failing", facts))
    return Card(title, within(value, low, high), tuple(notes), "bad" if bad else "good")


def _estimated(facts: Mapping[str, object]) -> Iterator[str]:
    value = value_of("estimate.value", facts)
    if value is not None:
        low, high = value_of("estimate.low", facts), value_of("estimate.high", facts)
        yield f"Estimated without labels: {within(value, low, high)}"


def _decided(life: Life) -> Card:
    if not life.decisions:
        return Card("Last decision", "none yet", (f"Make one: ratoon monitor {life.spec}",))
    last = life.decisions[-1]
    notes = [f"at {moment(last.at)} UTC, triage: {last.triaged}", *last.reasons[:1]]
    counted = Counter(each.action for each in life.decisions)
    notes.append("so far " + ", ".join(f"{count} {action}" for action, count in counted.most_common()))
    if life.scores:
        found = Counter(score.verdict for score in life.scores.values())
        notes.append("judged by later labels: " + ", ".join(f"{count} {name}" for name, count in found.most_common()))
    mood: Literal["", "bad"] = "bad" if last.triage.verdict in ("harm", "broken_data") else ""
    return Card("Last decision", last.action, tuple(notes), mood)


def _waits(life: Life) -> Card:
    if life.challenger is None:
        return Card("Waits for review", "nothing")
    update = update_of(life, life.challenger)
    notes = () if update is None else (f"offered {moment(update.ended_at or update.at)} UTC", *gate_said(update))
    return Card("Waits for review", f"v{life.challenger}", (*notes, f"ratoon promote {life.spec}"))


def update_of(life: Life, version: str) -> UpdateRow | None:
    """The training run that a version came of; None for the first version, or one from elsewhere."""
    return next((each for each in reversed(life.updates) if each.version == version), None)


def gate_said(update: UpdateRow) -> Iterator[str]:
    """The last attempt of the run, and what the gate said of each stratum."""
    for attempt in update.evidence.attempts[-1:]:
        said = [f"{each.name}: {each.reason}" for each in attempt.gate.strata] if attempt.gate is not None else []
        yield f"{attempt.strategy}: {'; '.join(said) or attempt.error or 'not judged'}"


def _spent(life: Life) -> Card:
    ended = [each for each in life.updates if each.outcome != "running"]
    seconds = math.fsum(each.cpu_seconds for each in ended)
    runs = [each for each in life.updates if each.outcome != "background"]
    counted = Counter(each.outcome for each in runs)
    notes = [", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counted.most_common())] if counted else []
    notes += list(_budgets(life))
    behind = len(life.updates) - len(runs)
    if behind:
        notes.insert(
            len(counted) > 0, f"beside them, strategies learned in the background at {plural(behind, 'evaluation')}"
        )
    return Card("Spent", f"{plural(len(runs), 'run')}, {rounded(seconds)} CPU s", tuple(notes))


def _budgets(life: Life) -> Iterator[str]:
    """What each rule's budgets leave at the last moment known."""
    if life.history is None or life.until is None:
        return
    at = f"at {moment(life.until)}"
    for rule in life.policy.rules:
        case = Case(rule, "unsure", life.history, life.until, life.policy)
        for guard in guards_of(rule):
            if isinstance(guard, RunBudget):
                started = sum(life.until - run.started_at < guard.per for run in case.runs())
                left = max(0, guard.runs - started)
                yield f"{rule.do}: {plural(left, 'run')} left of {guard.runs} per {format_duration(guard.per)}, {at}"
            elif isinstance(guard, CostBudget):
                unit = "CPU s" if guard.money is None or life.policy.costs is None else life.policy.costs.currency
                rest = max(0.0, guard.most - guard.spent(case))
                per = format_duration(guard.per)
                yield f"{rule.do}: {rounded(rest)} {unit} left of {rounded(guard.most)} per {per}, {at}"
