"""Ratoon's own guards, whose names no guard of a team's own may have."""

from __future__ import annotations

from .always import OneRunAtATime, ValidData
from .back_off import BackOff
from .budgets import CostBudget, MinRows, RunBudget
from .growth import Growth
from .pace import Cooldown, Persistence
from .quiet import QuietHours

GUARDS = (
    ValidData,
    OneRunAtATime,
    MinRows,
    Growth,
    Persistence,
    Cooldown,
    BackOff,
    RunBudget,
    CostBudget,
    QuietHours,
)
BUILT_IN_GUARDS = frozenset(guard.name for guard in GUARDS)
