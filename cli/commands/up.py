"""`ratoon up`: the real servers in the foreground."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from ...spec.errors import BadInput, RatoonError
from ...spec.masked import masked
from ...spec.private import private_files
from ..terminal import Terminal, marked

if TYPE_CHECKING:
    from ...servers.up import Up

out = Terminal(soft_wrap=True)


def up(folder: Path) -> None:
    """Start Prefect, MLflow, Evidently's UI and a worker; deploy every spec below FOLDER; watch over them all."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: there is no such folder; nothing was started. Name the folder that holds the specs.")
    from ...servers.settings import Settings  # here, so that other commands need not wait for them
    from ...servers.up import Interrupted, prepared

    project = folder.resolve()
    settings = Settings.settle(project)
    terminal = _Terminal()
    with (
        private_files(),
        prepared(
            settings, terminal, hooks=[sys.executable, "-m", "ratoon.cli.main", "listen", str(project)]
        ) as running,
    ):
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):  # Windows has no SIGHUP
                signal.signal(getattr(signal, name), lambda *_: running.stopping.ask())
        try:
            with terminal:
                running.start_servers()
                running.start_worker()
            _subscribe(running, terminal)
            deployed = _deploy(running, project, terminal)
            _addresses(running, deployed, running.models.start(_specs_in(project)))
            running.watch()
        except Interrupted:
            pass
        out.print("Stopping …")
    out.print("All servers have stopped; everything they held is kept.", highlight=False)


class _Terminal:
    """Tells which server is awaited, and prints notes with the hour."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._began = time.monotonic()

    def __enter__(self) -> _Terminal:
        if out.is_terminal:
            self._live = Live(Text(""), console=out, transient=True, refresh_per_second=8)
            self._live.__enter__()
        else:
            out.print("Starting the servers; the first time takes a minute or two.")
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)
            self._live = None

    def awaiting(self, titles: Sequence[str]) -> None:
        if self._live is not None:
            seconds = time.monotonic() - self._began
            self._live.update(Spinner("dots", f"waiting for {', '.join(titles)} ({seconds:.0f} s)"))

    def note(self, text: str) -> None:
        out.print(f"{time.strftime('%H:%M:%S')} {masked(text)}", highlight=False)


def _subscribe(running: Up, terminal: _Terminal) -> None:
    where = running.where
    if where.hooks is None:
        return
    from ...servers.hooks_subscribe import subscribe
    from ...servers.kept_secrets import hooks_secret

    try:
        subscribe(where.mlflow, where.hooks, hooks_secret(where.home))
    except Exception as error:  # the sweep every few minutes is the truth; webhooks only make it sooner
        terminal.note(f"MLflow's webhooks could not be subscribed to: {error}. The review sweep still runs.")


def _deploy(running: Up, project: Path, terminal: _Terminal) -> list[str]:
    from ...flows.prefect.deploy import deploy_all  # now: it imports Prefect, which reads the environment
    from ...flows.prefect.specs import find_specs, usable

    specs = find_specs(project)
    if not specs:
        terminal.note(f"No spec was found below {project}; nothing was deployed. `ratoon init` writes one.")
        return []
    _warn_of_other_homes(running, specs, terminal)
    specs, faults = usable(specs)  # one broken spec stops no other's care
    for fault in faults:
        terminal.note(fault)
    if not specs:
        return []
    try:
        warm = shlex.join([sys.executable, "-m", "ratoon.servers.warm"])
        return list(deploy_all(specs, pool=running.settings.pool, environment=running.environment, warm=warm))
    except Exception as error:  # the servers are up, and keep what was deployed before
        terminal.note(f"Not everything was deployed: {error}. Once that is mended: ratoon deploy {project}")
        return []


def _warn_of_other_homes(running: Up, specs: Sequence[Path], terminal: _Terminal) -> None:
    """Versions and history that a spec gathered before, in a home of its own, are not those of the servers."""
    from ...spec.load import load_spec
    from ...spec.stores import stores_of

    for path in specs:
        try:
            own = stores_of(load_spec(path)).home
        except RatoonError:
            continue
        if own != running.where.home and any((own / name).exists() for name in ("ledger.db", "mlflow.db")):
            terminal.note(
                f"{path.name} has versions and history of its own in {own}, which the servers do not see. To go on "
                f"with those: RATOON_HOME={own} ratoon up."
            )


def _specs_in(project: Path) -> Sequence[Path]:
    from ...flows.prefect.specs import find_specs, usable

    return usable(find_specs(project))[0]


def _addresses(running: Up, deployed: Sequence[str], served: Mapping[str, str]) -> None:
    from ...servers.kept_secrets import prefect_file

    where = running.where
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for title, address, what in (
        ("Prefect", where.prefect, "runs, and starts by hand"),
        ("MLflow", where.mlflow, "versions, and their review"),
        ("Evidently", where.evidently, "windows, and drift over time"),
        *((("webhooks", where.hooks, "hears of moves in MLflow"),) if where.hooks else ()),
        *((model, address, "predictions and labels") for model, address in served.items()),
    ):
        table.add_row(marked("[bold]{}[/]", title), marked(f"[link={address}]{{}}[/link]", address), what)
    out.print(table)
    if deployed:
        out.print(f"Deployed: {', '.join(deployed)}.", highlight=False)
    out.print(f"Prefect asks for a password, which is the whole line of {prefect_file(where.home)}", highlight=False)
    out.print(f"Logs: {where.home / 'logs'}. Commands in other terminals use these servers. Ctrl-C stops them.")
