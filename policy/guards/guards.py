"""Which guards a rule has: those it declares, and those that every firing rule has."""

from __future__ import annotations

from ...spec.keys.rules import Rule
from ...spec.values import FIRING
from .always import OneRunAtATime, ValidData
from .back_off import BackOff
from .budgets import CostBudget, MinRows, RunBudget
from .case import Guard
from .growth import Growth
from .own import Makes, none_known
from .pace import Cooldown, Persistence
from .quiet import QuietHours


def guards_of(rule: Rule, own: Makes = none_known) -> tuple[Guard, ...]:
    """The rule's guards, in the order in which they speak; *own* makes those of the team's own."""
    fires = rule.do in FIRING
    guards: list[Guard] = [ValidData(), OneRunAtATime()] if fires else []
    if fires or rule.min_rows is not None:
        guards.append(MinRows(rule.min_rows or 1))  # with nothing to learn there is nothing to fire
    if rule.growth is not None:
        guards.append(Growth(rule.growth))
    if rule.persist is not None:
        guards.append(Persistence(rule.persist.k, rule.persist.n))
    if rule.cooldown is not None:
        guards.append(Cooldown(rule.cooldown))
    if rule.back_off is not None:
        guards.append(BackOff(rule.back_off.first, rule.back_off.most))
    if rule.budget is not None:
        guards.append(RunBudget(rule.budget.runs, rule.budget.per))
    if rule.cost is not None:
        guards.append(CostBudget(rule.cost.per, cpu=rule.cost.cpu, money=rule.cost.money))
    if rule.quiet:
        guards.append(QuietHours(rule.quiet))
    guards += [own(each) for each in rule.own]
    return tuple(guards)
