"""The versions that a replica holds, and who follows the registry's aliases: load beside, verify, swap a reference."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, Protocol

from ...spec.errors import RatoonError
from ...spec.unexpected import worded
from .prepared import Prepared

_log = logging.getLogger("ratoon.serving")
CHAMPION, CHALLENGER = "champion", "challenger"
AGAIN = (30.0, 600.0)  # seconds until a version that did not load is tried again: at first, and at most
RETIRED = 120.0  # seconds that a version which left is kept for the requests that it still answers


@dataclass(frozen=True)
class Held:
    """The versions in memory: at most three. A request takes one of them, and keeps to it."""

    champion: Prepared | None = None
    challenger: Prepared | None = None
    previous: Prepared | None = None

    def all(self) -> tuple[Prepared, ...]:
        """Those that are there, the champion first."""
        return tuple(each for each in (self.champion, self.previous, self.challenger) if each is not None)

    def find(self, number: str) -> Prepared | None:
        """The one of this number."""
        return next((each for each in self.all() if each.number == number), None)

    def role(self, version: Prepared) -> str:
        """`champion`, `previous` or `challenger`."""
        return CHAMPION if version is self.champion else "previous" if version is self.previous else CHALLENGER


class VersionSource(Protocol):
    """Where versions come from; a test's, or the registry (loading.py)."""

    def aliases(self) -> Mapping[str, str]:
        """Each alias with the number that it points to. Raises what the registry raises where it is away."""

    def load(self, number: str) -> Prepared:
        """A version, verified and warm. Raises RatoonError where it must not serve."""

    def forget(self, number: str) -> None:
        """The version is held no more."""


@dataclass(frozen=True)
class SwapOutcome:
    """What came of a move of the alias: the version serves, or was refused, and why."""

    version: str
    previous: str | None
    at: datetime
    done: Literal["served", "refused"]
    reason: str = ""


class Follower:
    """Follows the aliases of one model, in a thread of its own: one poll per process, or at once on a hint.

    *now* is replaced as a whole, and only here. What cannot be loaded leaves it as it is, and is tried again at ever
    longer distances.
    """

    def __init__(self, source: VersionSource, *, poll: float, told: Callable[[SwapOutcome], None]) -> None:
        self.now = Held()
        self.polled: float | None = None  # when the registry last answered, on the monotonic clock
        self.poll_failures = 0
        self.trouble = "the first version is not loaded yet"
        self._source, self._poll, self._told = source, poll, told
        self._refused: dict[str, tuple[float, float]] = {}  # number: when it is tried again, and the pause after
        self._retired: list[tuple[float, Prepared]] = []
        self._hint, self._stopping = threading.Event(), False
        self._thread = threading.Thread(target=self._follow, name="ratoon-versions", daemon=True)

    def start(self) -> None:
        """Begin to follow; the first look loads the champion."""
        self._thread.start()

    def hint(self) -> None:
        """Something may have moved: look at once, and at versions again that were refused."""
        self._refused.clear()
        self._hint.set()

    def stop(self) -> None:
        """End the thread, and let go of what the versions hold."""
        self._stopping = True
        self._hint.set()
        if self._thread.is_alive():
            self._thread.join(10)
        for version in (*self.now.all(), *(each for _, each in self._retired)):
            version.answering.close()

    def _follow(self) -> None:
        while not self._stopping:
            try:
                self.look()
            except Exception as error:  # the thread must live
                _log.exception("the versions could not be followed: %s", error)
            self._hint.wait(self._poll)
            self._hint.clear()

    def look(self) -> None:
        """Bring what is held in line with the aliases, once."""
        try:
            aliases = self._source.aliases()
        except Exception as error:  # whatever the registry's client raises: what is loaded serves on
            self.poll_failures += 1
            self.trouble = f"the registry does not answer: {worded(error)}"
            (_log.warning if self.poll_failures == 1 else _log.debug)("%s", self.trouble)
            return
        self.polled, self.poll_failures = time.monotonic(), 0
        self._follow_champion(aliases.get(CHAMPION))
        self._follow_challenger(aliases.get(CHALLENGER))
        self._let_go()

    def _follow_champion(self, number: str | None) -> None:
        now = self.now
        serves = now.champion.number if now.champion is not None else None
        if number is None:
            self.trouble = "the alias `champion` points at no version"
            return
        if number == serves:
            return
        version = now.find(number) or self._load(number, serves)
        if version is None:
            return
        challenger = None if version is now.challenger else now.challenger
        self._put(Held(version, challenger, now.champion))
        self._told(SwapOutcome(number, serves, _now(), "served"))

    def _follow_challenger(self, number: str | None) -> None:
        now = self.now
        if now.champion is None or number == (now.challenger.number if now.challenger else None):
            return
        held = None if number is None else now.find(number)
        if number is None or held is not None:  # it serves or served
            self._put(replace(now, challenger=None))
            return
        version = self._load(number, None, quiet=True)
        if version is not None:
            self._put(replace(now, challenger=version))

    def _load(self, number: str, serves: str | None, *, quiet: bool = False) -> Prepared | None:
        due, pause = self._refused.get(number, (0.0, AGAIN[0]))
        if time.monotonic() < due:
            return None
        try:
            version = self._source.load(number)
        except Exception as error:  # a version's files may raise anything
            first = number not in self._refused
            self._refused[number] = (time.monotonic() + pause, min(2 * pause, AGAIN[1]))
            self._source.forget(number)
            reason = str(error) if isinstance(error, RatoonError) else worded(error)
            if not quiet:
                self.trouble = f"version {number} is not served: {reason}"
                _log.error("version %s is not served, version %s goes on: %s", number, serves or "none", reason)
                if first:
                    self._told(SwapOutcome(number, serves, _now(), "refused", reason))
            return None
        self._refused.pop(number, None)
        return version

    def _put(self, held: Held) -> None:
        before, self.now = self.now, held
        left = [each for each in before.all() if held.find(each.number) is not each]
        self._retired += [(time.monotonic() + RETIRED, each) for each in left]
        for each in left:
            self._source.forget(each.number)

    def _let_go(self) -> None:
        due = [each for each in self._retired if each[0] <= time.monotonic()]
        self._retired = [each for each in self._retired if each not in due]
        for _, version in due:
            version.answering.close()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
