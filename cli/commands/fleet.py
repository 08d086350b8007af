"""`ratoon fleet`: every spec below a folder looked at by one warm process, once or again and again."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from ...ledger.ledger import Ledger
from ...loop.observe.fleet import Fleet, within
from ...loop.plan import step_of
from ...spec.errors import BadInput, RatoonError
from ...spec.load import load_spec
from ...spec.model import Spec
from ...spec.stores import stores_of
from ...spec.unexpected import users_code, worded
from ...spec.values import Decision
from ..settings import settle_environment
from ..terminal import Terminal, marked

out = Terminal(soft_wrap=True)


@dataclass(frozen=True)
class FleetEvaluation:
    """One spec's evaluation: the decision, or why there is none."""

    spec: Path
    model: str | None
    decision: Decision | None = None
    fault: str = ""


@dataclass(frozen=True)
class Round:
    """All evaluations of one moment, and the models with an alarm after it."""

    at: datetime
    looks: tuple[FleetEvaluation, ...]
    alarms: frozenset[str]

    @property
    def faults(self) -> list[FleetEvaluation]:
        """The specs without a decision."""
        return [each for each in self.looks if each.decision is None]

    def as_json(self) -> dict[str, object]:
        """Plain JSON: a line of the table for each spec."""
        return {
            "at": self.at.isoformat(),
            "alarms": sorted(self.alarms),
            "looks": [_as_json(each, self.alarms) for each in self.looks],
        }


def run_fleet(folder: Path, at: datetime | None, every: str | None, *, as_json: bool) -> bool:
    """Look at every spec below *folder*; whether each of the last round got its decision.

    Once, at *at* or now; or every *every*, until a signal asks to stop. Raises BadInput where no spec is found.
    """
    step = step_of(every) if every else None
    if step is not None and at is not None:
        raise BadInput("--at is one moment and --every goes on; give one of them. Nothing was looked at.")
    fleet: Fleet | None = None
    with _stopping() as stop:
        while True:
            moment = (at or datetime.now(UTC)).replace(tzinfo=None)
            specs = find(folder)
            fleet = seeded(specs, moment) if fleet is None else fleet
            found = look_round(specs, moment, fleet, stop)
            _print(found, as_json)
            if step is None or stop.wait(max(0.0, (moment + step - _now()).total_seconds())):
                return not found.faults


def find(folder: Path) -> list[Path]:
    """The specs below *folder*. Raises BadInput where there is none."""
    from ...flows.prefect.specs import find_specs

    specs = find_specs(folder)
    if not specs:
        raise BadInput(f"{folder}: no spec was found below it; nothing was looked at. `ratoon init DIR` writes one.")
    return specs


def seeded(specs: Sequence[Path], moment: datetime) -> Fleet:
    """Where every model stood before *moment*, by its ledger: a new process goes on where the last one ended."""
    fleet = Fleet()
    for path in specs:
        try:
            spec = load_spec(path)
            settle_environment(spec)
            with Ledger.open(stores_of(spec).ledger) as ledger:
                for decision in ledger.decisions.of(spec.model, 5):
                    if decision.at <= moment:
                        fleet.heard(decision)
        except RatoonError:  # the evaluation itself says why
            continue
    return fleet


def look_round(specs: Sequence[Path], moment: datetime, fleet: Fleet, stop: Event | None = None) -> Round:
    """Look at each of *specs* at *moment*; what goes wrong with one stops no other."""
    looks: list[FleetEvaluation] = []
    with within(fleet):
        for path in specs:
            if stop is not None and stop.is_set():
                break
            looks.append(_look(path, moment))
    seen = {each.model for each in looks if each.decision is not None}
    return Round(moment, tuple(looks), fleet.alarms() & seen)


def _look(path: Path, moment: datetime) -> FleetEvaluation:
    spec: Spec | None = None
    try:
        spec = load_spec(path)
        settle_environment(spec)
        from ...flows.monitor import monitor

        with users_code():
            return FleetEvaluation(path, spec.model, monitor(spec=str(spec.path), at=moment))
    except Exception as error:  # anything: the next model is looked at all the same
        ours = isinstance(error, RatoonError)
        fault = str(error) if ours else worded(error)
        return FleetEvaluation(path, spec.model if spec else None, fault=fault)


def _print(found: Round, as_json: bool) -> None:
    if as_json:
        out.print_json(data=found.as_json())
        return
    from ..views.words import coloured

    for each in found.looks:
        if each.decision is None:
            out.print(marked("[red]no evaluation[/] [bold]{}[/]", each.model or each.spec), highlight=False)
            out.print(f"  {each.fault}", highlight=False)
            continue
        alarm = marked("  [bold red]fleet alarm[/]" if each.model in found.alarms else "")
        made = each.decision
        out.print(
            marked("{}  [bold]{}[/]  {}{}", coloured(made.action), made.model, coloured(made.triage.verdict), alarm),
            highlight=False,
        )
    done = len(found.looks) - len(found.faults)
    out.print(
        f"{done} of {len(found.looks)} models looked at for {found.at:%Y-%m-%d %H:%M} UTC; "
        f"{len(found.alarms)} with an alarm over the fleet.",
        highlight=False,
    )


def _as_json(each: FleetEvaluation, alarms: frozenset[str]) -> dict[str, object]:
    made = each.decision
    return {
        "spec": str(each.spec),
        "model": each.model,
        "fault": each.fault or None,
        "decision": made.id if made else None,
        "action": made.action if made else None,
        "verdict": made.triage.verdict if made else None,
        "alarm": each.model in alarms,
    }


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def _stopping() -> Iterator[Event]:
    """Set by Ctrl-C or SIGTERM: the evaluation that is going on ends, the next does not begin."""
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
