"""Who listens to a replay while it runs: the CLI's progress bar, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ...spec.values import Decision


@dataclass(frozen=True)
class Tick:
    """One simulated moment, just done: the *number*-th of *total* (from 1)."""

    number: int
    total: int
    decision: Decision
    champion: str


Listener = Callable[[Tick], None]
_listener: ContextVar[Listener | None] = ContextVar("ratoon_replay_listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call *listener* after each moment of the replays started within."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(tick: Tick) -> None:
    """Hand the moment to whoever listens."""
    listener = _listener.get()
    if listener is not None:
        listener(tick)
