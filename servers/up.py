"""`ratoon up`: start the servers, wait for their health, watch them, and stop them so that nothing is lost.

Whatever is killed with -9, also this process itself, the next start finds and ends what is left of the old
servers, and the recovery (flows/prefect/recover.py) takes up what their runs had not ended.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Protocol

from ..spec.errors import BadInput, Refused, Unavailable
from ..spec.private import private_folder
from ..system.locks import take
from .addresses import FILE, LOCK, Addresses
from .children import TRIES, Child
from .databases import Databases, databases
from .kept_secrets import prefect_auth
from .models import ServedModels
from .pictures import Pictures
from .ports import refuse_taken
from .processes import Found, end, marked
from .runs import Runs
from .services import HOOKS, SERVER_AUTH, base_environment, flow_environment, servers, warm_parent, worker
from .settings import Settings

START_SECONDS = 300.0  # a first start makes the databases; on a loaded machine that takes minutes
_LOOK_SECONDS = 15.0  # between two looks for what killed runs left


class Listener(Protocol):
    """Who is told what happens: the terminal."""

    def awaiting(self, titles: Sequence[str]) -> None:
        """These servers are not healthy yet."""

    def note(self, text: str) -> None:
        """Something that the operator should know."""


@dataclass
class Stopping:
    """Set by signals: *asked* once, *hurry* by the second."""

    asked: Event
    hurry: Event

    @classmethod
    def new(cls) -> Stopping:
        return cls(Event(), Event())

    def ask(self) -> None:
        """One more signal."""
        (self.hurry if self.asked.is_set() else self.asked).set()


class Up:
    """The running servers of one home."""

    def __init__(
        self,
        settings: Settings,
        where: Addresses,
        kept: Databases,
        outer: Mapping[str, str],
        listener: Listener,
        hooks: Sequence[str] | None,
    ) -> None:
        base = base_environment(outer, settings)
        prefect_auth(settings.home, outer.get(SERVER_AUTH))
        each_server = servers(settings, where, kept, listener=hooks, outer=outer)
        self.settings, self.where = settings, where
        self.environment = flow_environment(settings, where)
        self.environment |= {"PREFECT_HOME": base["PREFECT_HOME"]}
        self._listener = listener
        self._servers = [Child(each, settings.home, base) for each in each_server]
        self._worker = Child(worker(settings, where), settings.home, base)
        self._warm = Child(warm_parent(settings, where), settings.home, base)
        self.models = ServedModels(settings, where, base, listener.note)
        self._without_warm = sys.platform != "linux"  # elsewhere a process with threads cannot be forked safely
        self._pictures = Pictures(where.workspace, where.evidently)
        self.stopping = Stopping.new()

    def start_servers(self) -> None:
        """Start all but the worker and wait until they are healthy; Refused where one dies or is not in time.

        The receiver of webhooks comes last: its first review asks Prefect and MLflow.
        """
        for last in (False, True):
            self._start([each for each in self._servers if (each.service.name == HOOKS) is last])
        self._pictures.restarted()
        self.where.keep()

    def start_worker(self) -> None:
        """Take up what earlier runs left, then let the worker take runs."""
        self._runs = Runs(self.settings, self.environment | self.where.credentials())
        self._runs.resume()
        self._say(self._runs.left_behind(nobody_works=True))
        if not self._without_warm:
            self._warm.start()  # not waited for: until it listens, looks start afresh
        self._start([self._worker])

    def watch(self) -> None:
        """Start again whatever dies, until asked to stop; Refused where one dies too often."""
        looked = time.monotonic()
        while not self.stopping.asked.wait(1.0):
            for child in (*self._servers, self._worker):
                if child.code is not None:
                    self._again(child)
            self._warm_again()
            self.models.look()
            if time.monotonic() - looked >= _LOOK_SECONDS:
                self._say(self._runs.left_behind())
                if not self._pictures.refresh():
                    self._read_new_projects()
                looked = time.monotonic()

    def stop(self) -> None:
        """Let models drain and runs end within the grace, then stop worker, servers and whatever they left."""
        self.models.stop()
        grace = 0.0 if self.stopping.hurry.is_set() else self.settings.grace
        runs = getattr(self, "_runs", None)
        if runs is not None and self._worker.code is None and self._worker.pid:
            runs.pause()
            if grace and runs.going_on():
                self._listener.note(
                    f"Waiting up to {grace:g} s for runs to end; press Ctrl-C again to stop them. "
                    "Retrains that are cut off go on at the next `ratoon up`."
                )
                until = time.monotonic() + grace
                while runs.going_on() and time.monotonic() < until and not self.stopping.hurry.wait(0.5):
                    pass
            cut_off = runs.going_on()
            self._worker.terminate(15)
            end(lambda: [each for each in marked(self.settings.home) if each.run is not None])
            runs.close(cut_off)
        for child in (self._warm, *reversed(self._servers)):
            child.terminate(20)
        end(lambda: marked(self.settings.home))

    def _start(self, children: Sequence[Child]) -> None:
        for child in children:
            child.start()
        waiting = list(children)
        until = time.monotonic() + START_SECONDS
        while waiting:
            self._listener.awaiting([child.service.title for child in waiting])
            for child in waiting:
                if child.code is not None:
                    raise Refused(
                        f"{child.service.title} ended with exit code {child.code} before it was healthy; all was "
                        f"stopped again. The end of {child.log}:\n\n{child.last_lines()}\n\n"
                        "Mend what it names, and run `ratoon up` again."
                    )
            if time.monotonic() > until:
                names = ", ".join(child.service.title for child in waiting)
                raise Refused(
                    f"After {START_SECONDS:g} s not healthy: {names}; all was stopped again. "
                    f"The end of {waiting[0].log}:\n\n{waiting[0].last_lines()}"
                )
            waiting = [child for child in waiting if not child.service.healthy()]
            if self.stopping.asked.wait(0.5):
                raise Interrupted

    def _again(self, child: Child) -> None:
        title = child.service.title
        if not child.may_start_again():
            raise Refused(
                f"{title} ended again (exit code {child.code}), for the {TRIES + 1}th time within minutes; all was "
                f"stopped. The end of {child.log}:\n\n{child.last_lines()}"
            )
        how = f"exit code {child.code}" if (child.code or 0) >= 0 else f"killed by signal {-(child.code or 0)}"
        self._listener.note(f"{title} ended ({how}); starting it again. Its log: {child.log}")
        self._end_orphans(child)
        child.start()
        if child.service.name == "evidently":
            self._pictures.restarted()

    def _warm_again(self) -> None:
        """The warm parent only saves time: where it dies too often, the looks go on without it."""
        if self._warm.code is None or self._without_warm:
            return
        if not self._warm.may_start_again():
            self._without_warm = True
            self._listener.note(f"The warm parent ends again and again; looks start afresh. Its log: {self._warm.log}")
            return
        self._listener.note(f"The warm parent ended; starting it again. Its log: {self._warm.log}")
        self._end_orphans(self._warm)
        self._warm.start()

    def _end_orphans(self, dead: Child) -> None:
        """What a dead server left: its own children hold its port; a dead worker's runs cannot report any more."""
        children = (*self._servers, self._worker, self._warm, *self.models.children)
        kin = {each.pid for each in children if each is not dead and each.code is None}

        def left() -> list[Found]:
            here = {each.pid: each for each in marked(self.settings.home)}
            return [each for each in here.values() if not _below(each, kin, here)]

        end(left)

    def _read_new_projects(self) -> None:
        for child in self._servers:
            if child.service.name == "evidently":
                child.terminate(10)
                child.start()
                self._pictures.restarted()

    def _say(self, sentences: Sequence[str]) -> None:
        for each in sentences:
            self._listener.note(each)


class Interrupted(Exception):
    """Asked to stop before all servers were healthy."""


@contextmanager
def prepared(
    settings: Settings, listener: Listener, *, hooks: Sequence[str] | None, outer: Mapping[str, str] = os.environ
) -> Iterator[Up]:
    """The installation, ready to start: alone in its home, old servers ended, ports free, databases there.

    Whatever happens within, all is stopped at the end. Raises Refused or BadInput before anything is started.
    """
    home = settings.home
    if sys.platform == "win32":
        raise Refused(
            "`ratoon up` does not run on Windows, where a server cannot be asked to end: what it was writing would be "
            "cut off. Nothing was started. Start it in WSL or a container (compose.yaml); every other command works "
            "here, without servers or with servers elsewhere."
        )
    with _only_one(home):
        left = end(lambda: marked(home))
        if left:
            listener.note(f"Ended {left} processes that an earlier `ratoon up` had left behind.")
        refuse_taken(settings, ["Prefect", "MLflow", "Evidently", *(["webhooks"] if hooks is not None else [])])
        if settings.host != "localhost" and not settings.host.startswith("127."):
            listener.note(
                f"$RATOON_HOST is {settings.host}, where others can reach these ports: whoever does may promote in "
                "MLflow, unless it has accounts (RATOON_MLFLOW_APP=ratoon-auth), and read windows in Evidently; "
                "who knows Prefect's password can start runs and promote there. For browsers elsewhere set, with this "
                "machine's name or address, RATOON_ALLOWED_HOSTS=NAME (MLFLOW_SERVER_ALLOWED_HOSTS follows) and "
                f"PREFECT_UI_API_URL=http://NAME:{settings.prefect_port}/api"
            )
        url, workspace = settings.database_url, home / "evidently"
        kept = databases(url.get_secret_value() if url is not None else None, home)
        private_folder(workspace)
        where = Addresses(
            home=home,
            prefect=settings.prefect_url,
            mlflow=settings.mlflow_url,
            evidently=settings.evidently_url,
            hooks=settings.hooks_url if hooks is not None else None,
            pool=settings.pool,
            ledger=kept.ledger,
            workspace=workspace,
            mlflow_database=kept.mlflow,
        )
        up = Up(settings, where, kept, outer, listener, hooks)
        try:
            yield up
        finally:
            up.stop()


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    try:
        private_folder(home)
        lock = take(home / LOCK)
    except (OSError, BadInput, Unavailable) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        raise Refused(
            f"The home {home} ($RATOON_HOME) cannot be written: {getattr(cause, 'strerror', error)}. Nothing was "
            "started. Set it to a folder that you may write."
        ) from None
    if lock is None:
        raise Refused(f"Another `ratoon up` runs on {home}; nothing was started. Its addresses stand in {home / FILE}.")
    try:
        yield
    finally:
        lock.release()


def _below(found: Found, kin: set[int], here: Mapping[int, Found]) -> bool:
    """Whether one of *kin* is the process itself or above it."""
    seen: Found | None = found
    while seen is not None:
        if seen.pid in kin:
            return True
        seen = here.get(seen.parent)
    return False
