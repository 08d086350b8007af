"""What the strategies of a run are expected to cost, and which of them the rule that fired leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...models.ladder.skipped import SkippedStrategies, expected
from ...policy.decide import fired_rule
from ...policy.guards.budgets import cpu_seconds_left
from ...spec.keys.rules import Rule
from ...spec.model import Spec
from ...spec.values import Decision, Strategy
from ..context import ModelContext
from .tries import earlier_runs


def forecast(context: ModelContext, fired: Decision, rows: Callable[[], Mapping[Strategy, int]]) -> SkippedStrategies:
    """What earlier runs of this model say about its strategies, and what the rule's budget leaves.

    *rows*: how many each would learn, replayed ones included; counted only if there is a budget.
    """
    spec = context.spec
    rule = fired_rule(spec.deciding, fired)
    if rule is None:
        return SkippedStrategies()
    history = context.ledger.history(spec.model, fired.at)
    budget = cpu_seconds_left(rule, history, spec.deciding, fired.at)
    barred = _barred(spec, rule)
    if budget is None:
        return SkippedStrategies(resting=barred)
    runs = [each.attempts for each in earlier_runs(context, fired.at)]
    return SkippedStrategies(resting=barred, expected=expected(runs, rows()), budget=budget)


def _barred(spec: Spec, rule: Rule) -> dict[Strategy, str]:
    """The strategies that *rule* does not try, with the reason."""
    if rule.strategies is None:
        return {}
    reason = f"the rule that fired tries only {', '.join(rule.strategies)} (its key `strategies`)"
    return {strategy: reason for strategy in spec.learner.strategies if strategy not in rule.strategies}
