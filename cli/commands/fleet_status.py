"""`ratoon status DIR`: one line for each model below a folder, read from ledgers and registries alone."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.table import Table

from ...anytime.fleet import e_bh
from ...flows.prefect.specs import find_specs
from ...ledger.ledger import Ledger
from ...loop.observe.fleet import e_value_of
from ...spec.errors import BadInput, RatoonError
from ...spec.load import load_spec
from ...spec.stores import stores_of
from ..reading import registered
from ..settings import use_running_servers
from ..terminal import Terminal, marked
from ..views.words import coloured

LOOKED_BACK = 20  # decisions among which the last action is looked for


@dataclass(frozen=True)
class Line:
    """One model: its champion's version, its last evaluation, what was last done; or the *fault* for which nothing is
    known.

    *alarm*: it is worse than it may be, by e-BH over all models listed.
    """

    spec: str
    model: str
    champion: str = ""
    looked: str = ""
    verdict: str = ""
    action: str = ""
    acted: str = ""
    e_value: float | None = None
    alarm: bool = False
    fault: str = ""


def print_fleet(folder: Path, as_json: bool) -> bool:
    """Print the table; whether every spec could be read. Raises BadInput where there is none."""
    lines = read_fleet(folder)
    out = Terminal()
    if as_json:
        out.print_json(data=[asdict(line) for line in lines])
    else:
        table = Table(title=f"{len(lines)} models below {folder}", title_justify="left")
        for column in ("model", "champion", "last evaluation", "verdict", "last action", "alarm"):
            table.add_column(column, overflow="fold")
        for line in lines:
            acted = marked("{} {}", coloured(line.action), line.acted) if line.action else ""
            cells = (
                (line.looked, coloured(line.verdict), acted) if not line.fault else ("", marked("[red]fault[/]"), "")
            )
            champion = f"v{line.champion}" if line.champion else "none"
            alarm = marked("[bold red]alarm[/]") if line.alarm else ""
            table.add_row(line.model, champion if not line.fault else "", *cells, alarm)
        out.print(table)
        for line in lines:
            if line.fault:
                out.print(f"{line.spec}: {line.fault}", highlight=False, soft_wrap=True)
    return not any(line.fault for line in lines)


def read_fleet(folder: Path) -> list[Line]:
    """A line for each spec below *folder*, sorted by path. Raises BadInput where there is none."""
    specs = find_specs(folder)
    if not specs:
        raise BadInput(f"{folder}: no spec was found below it. `ratoon init DIR` writes one.")
    with ExitStack() as stack:
        ledgers: dict[str, Ledger] = {}
        found = [_line(path, stack, ledgers) for path in specs]
    alarms = e_bh({line.spec: line.e_value for line in found if line.e_value is not None})
    return [replace(line, alarm=line.spec in alarms) for line in found]


def _line(path: Path, stack: ExitStack, ledgers: dict[str, Ledger]) -> Line:
    try:
        spec = load_spec(path)
    except RatoonError as error:
        return Line(str(path), path.stem, fault=str(error))
    try:
        use_running_servers(spec)
        _, versions = registered(spec)
        champion = next((each.number for each in versions if "champion" in each.aliases), "")
        ledger = _ledger(stores_of(spec).ledger, stack, ledgers)
        decisions = ledger.decisions.of(spec.model, LOOKED_BACK)
    except RatoonError as error:
        return Line(str(path), spec.model, fault=str(error))
    looks = [each for each in decisions if each.window is not None]
    acts = [each for each in decisions if each.action != "hold"]
    last = looks[-1] if looks else None
    return Line(
        spec=str(path),
        model=spec.model,
        champion=champion,
        looked=f"{last.at:%Y-%m-%d %H:%M}" if last else "",
        verdict=last.triage.verdict if last else "",
        action=acts[-1].action if acts else "",
        acted=f"{acts[-1].at:%Y-%m-%d}" if acts else "",
        e_value=e_value_of(last) if last else None,
    )


def _ledger(url: str, stack: ExitStack, ledgers: dict[str, Ledger]) -> Ledger:
    """The ledger at *url*, opened once for all models that share it."""
    if url not in ledgers:
        ledgers[url] = stack.enter_context(Ledger.open(url))
    return ledgers[url]
