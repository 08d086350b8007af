"""A whole policy, checked before it is ever needed: its conditions, and whether its rules fit its other parts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import get_args

from ...spec.keys.rules import Policy, Rule
from ...spec.values import FIRING, Verdict
from .conditions import NOTHING, Condition, RuleError, condition


def check_rules(policy: Policy) -> tuple[Condition, ...]:
    """The compiled condition of every rule.

    Raises RuleError, which names all rules that are wrong, by their number in the policy: conditions that
    `condition` refuses; training fired by an estimate that the policy does not count; variables and budgets
    in money without prices.
    """
    conditions: list[Condition] = []
    troubles: list[tuple[int, str]] = []
    for place, rule in enumerate(policy.rules):
        try:
            conditions.append(condition(rule.when))
        except RuleError as error:
            troubles.append((place, str(error)))
        else:
            troubles += [(place, f"rule `{rule.when}`: {text} {NOTHING}") for text in _misfits(rule, policy)]
    if troubles:
        raise RuleError(
            "\n".join(f"policy, rule {place + 1}: {text}" for place, text in troubles), rules=tuple(troubles)
        )
    return tuple(conditions)


def _misfits(rule: Rule, policy: Policy) -> Iterator[str]:
    used = condition(rule.when)
    yield from _no_verdict(rule.when)
    if rule.do in FIRING and policy.estimate != "count" and (names := _under("estimate", used)):
        yield (
            f"{names} would let an estimate fire training without labels, which it may not while "
            f"monitors.performance.estimate is {policy.estimate}; set monitors.performance.estimate: count."
        )
    if policy.costs is None and (names := _under("cost", used)):
        have = "have" if " and " in names else "has"
        yield f"{names} {have} no value without prices; add `costs` with cpu_hour and error to the spec."
    if policy.costs is None and rule.cost is not None and rule.cost.money is not None:
        yield (
            f"a budget of {rule.cost.money:g} in money cannot be kept without prices; add `costs` with cpu_hour and "
            "error to the spec, or give the budget as `cpu`, such as 30m."
        )


def _no_verdict(text: str) -> Iterator[str]:
    """Verdicts that do not exist, which a rule would wait for in silence."""
    known = get_args(Verdict)
    for word in re.findall(r"""\btriage\s*[!=]=\s*["'](.*?)["']""", text):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
            yield f"triage is never {word!r}; {hint}"


def _under(root: str, used: Condition) -> str:
    """The used variables of the map *root*, as words."""
    return " and ".join(name for name in used.names if name == root or name.startswith(f"{root}."))
