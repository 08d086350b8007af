"""The models that are looked at beside one another: what the fleet's alarm asks of each look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from ...anytime.fleet import e_bh, needed
from ...policy.fleet import fleet_signal
from ...spec.values import Decision, Signal, Span


@dataclass
class Fleet:
    """The newest e-value of each model, by its name; a model by itself is a fleet of one."""

    e_values: dict[str, float] = field(default_factory=dict)

    def asks(self, model: str, window: Span) -> Signal:
        """The e-value that *model* needs for an alarm at this look, given where the others stand."""
        others = [value for name, value in self.e_values.items() if name != model]
        return fleet_signal(needed(others), len(others) + 1, window)

    def heard(self, decision: Decision) -> None:
        """Keep the e-value of a look that was decided on."""
        value = e_value_of(decision)
        if value is not None:
            self.e_values[decision.model] = value

    def alarms(self) -> frozenset[str]:
        """The models with an alarm as the fleet stands now."""
        return e_bh(self.e_values)


def e_value_of(decision: Decision) -> float | None:
    """The e-value of a look, as its facts keep it; None for one of an earlier release, or a start by hand."""
    fleet: Mapping[str, object] = decision.facts.get("fleet", {})
    value = fleet.get("e_value")
    return float(value) if isinstance(value, int | float) else None


_present: ContextVar[Fleet | None] = ContextVar("ratoon_fleet", default=None)


def present_fleet() -> Fleet:
    """The fleet that this look is part of; an empty one, where it is a look by itself."""
    fleet = _present.get()
    return Fleet() if fleet is None else fleet


@contextmanager
def within(fleet: Fleet) -> Iterator[None]:
    """Let the looks within be part of *fleet*."""
    token = _present.set(fleet)
    try:
        yield
    finally:
        _present.reset(token)
