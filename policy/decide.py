"""The decision: signals, history, policy and the time in; one decision with all its reasons out.

Pure: the same arguments give the same decision, live, in shadow and in a replay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..spec.keys.rules import Policy, Rule
from ..spec.values import Decision, GuardAnswer, History, Signal, Span
from .guards.case import Case
from .guards.guards import guards_of
from .guards.own import Makes, none_known
from .past import until
from .rules.check import check_rules
from .rules.conditions import Condition, Reading
from .rules.facts import facts
from .triage.thresholds import read_again
from .triage.triage import triage


def decision_id(model: str, at: datetime, policy_version: str) -> str:
    """16 hex characters; the same model, moment and policy always give the same id."""
    return hashlib.sha256(f"{model}\n{at.isoformat()}\n{policy_version}".encode()).hexdigest()[:16]


def decide(
    signals: Sequence[Signal],
    history: History,
    policy: Policy,
    now: datetime,
    *,
    model: str,
    window: Span,
    own: Makes = none_known,
) -> Decision:
    """Try the rules in order: the first whose condition holds and that no guard vetoes is the decision.

    Every rule is read, also behind the one that is chosen, since `matched` is what persistence counts in
    later windows. A rule that a guard holds back is recorded with the guard's answer, and the next is tried.
    Without a rule the decision is `hold`. Broken data fires no training whatever the rules say. What
    *history* holds of later than *now*, or of this very decision, is not looked at. *own* makes the guards of the
    team's own.
    Raises RuleError for a policy that `check_rules` refuses.
    """
    conditions = check_rules(policy)
    identity = decision_id(model, now, policy.version)
    past = until(history, now, identity)
    signals = read_again(signals, past, policy)
    verdict = triage(signals, past, policy)
    seen = facts(signals, verdict, past, policy, now, window=window)
    readings = [each(seen) for each in conditions]
    troubles = [
        f"rule `{rule.when}` does not hold: {reading.trouble}."
        for rule, reading in zip(policy.rules, readings, strict=True)
        if reading.trouble
    ]
    chosen = _choose(
        policy,
        list(zip(conditions, readings, strict=True)),
        seen,
        lambda rule_id, rule: _ask(rule_id, Case(rule, verdict.verdict, past, now, policy), own),
    )
    because = chosen.because or f"hold: {_no_rule(readings)}; triage is {verdict.verdict}."
    first = [because, *chosen.held_back] if chosen.rule is not None else [*chosen.held_back, because]
    held = (rule.when for rule, reading in zip(policy.rules, readings, strict=True) if reading.holds)
    return Decision(
        id=identity,
        model=model,
        at=now,
        action=chosen.rule.do if chosen.rule is not None else "hold",
        triage=verdict,
        rule=chosen.rule.when if chosen.rule is not None else None,
        rule_id=chosen.rule_id,
        reasons=(*first, *(f"{line}." for line in verdict.evidence), *troubles),
        guards=chosen.answers,
        matched=tuple(dict.fromkeys(held)),
        facts=seen,
        policy=policy.version,
        window=window,
        champion=history.champion,
        basis=history.basis,
    )


@dataclass(frozen=True)
class _Choice:
    """The rule that decides, if any, with what the guards said on the way to it."""

    answers: tuple[GuardAnswer, ...]
    held_back: tuple[str, ...]
    rule: Rule | None = None
    rule_id: str | None = None
    because: str = ""


def _choose(
    policy: Policy,
    read: Sequence[tuple[Condition, Reading]],
    seen: Mapping[str, object],
    ask: Callable[[str, Rule], list[GuardAnswer]],
) -> _Choice:
    """The first rule that holds and that no guard vetoes."""
    answers: list[GuardAnswer] = []
    held_back: list[str] = []
    for rule_id, rule, (text, reading) in zip(policy.rule_ids, policy.rules, read, strict=True):
        if not reading.holds:
            continue
        spoken = ask(rule_id, rule)
        answers += spoken
        vetoes = [answer.text for answer in spoken if answer.held]
        if not vetoes:
            return _Choice(tuple(answers), tuple(held_back), rule, rule_id, _because(rule, text, seen))
        held_back.append(f"{rule.do} was held back: {'; '.join(vetoes)} (rule `{rule.when}`).")
    return _Choice(tuple(answers), tuple(held_back))


def fired_rule(policy: Policy, decision: Decision) -> Rule | None:
    """The rule of *policy* that chose the action of *decision*; None if none did, or it is no longer there.

    A rule of which guards or budget were edited since is still found by its condition and action, and so is that of a
    decision from before rules had ids.
    """
    found = policy.find_rule(decision.rule_id) if decision.rule_id is not None else None
    if found is not None:
        return found
    return next((each for each in policy.rules if (each.when, each.do) == (decision.rule, decision.action)), None)


def _ask(rule_id: str, case: Case, own: Makes) -> list[GuardAnswer]:
    """What every guard of the rule with that id says, whether it vetoes or passes."""
    answers = []
    for guard in guards_of(case.rule, own):
        veto = guard(case)
        answers.append(
            GuardAnswer(
                rule=case.rule.when,
                rule_id=rule_id,
                guard=guard.name,
                held=veto is not None,
                text=veto.text if veto is not None else guard.said(case),
            )
        )
    return answers


def _because(rule: Rule, text: Condition, seen: Mapping[str, object]) -> str:
    values = text.values(seen)
    return f"{rule.do}: rule `{rule.when}` holds" + (f" ({values})." if values else ".")


def _no_rule(readings: Sequence[Reading]) -> str:
    if not readings:
        return "the policy has no rules"
    if any(reading.holds for reading in readings):
        return "no other rule's condition holds"
    return "no rule's condition holds"
