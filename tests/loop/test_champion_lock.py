"""Promotion, first version and sweep take one lock: of any two at once, one comes after the other."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent))

from small_streams import DAY, START, moments, spec_of

from ratoon.data.source import open_source
from ratoon.ledger.ledger import Ledger
from ratoon.loop.champion_lock import UNCONTESTED, Busy, champion_lock
from ratoon.loop.context import ModelContext
from ratoon.loop.learn.first import first_version, train_first
from ratoon.loop.review.promote import Move, move_champion
from ratoon.loop.review.sweep import sweep
from ratoon.models.registry.in_memory import InMemoryRegistry
from ratoon.spec.errors import RegistryError
from ratoon.spec.stores import stores_of

NOW = START + 20 * DAY


class PausedRegistry(InMemoryRegistry):
    """Moves the alias, and returns only when the test lets it: what comes next is the ledger's write."""

    moved, go = threading.Event(), threading.Event()
    paused = False

    def promote(self, ref: str | int) -> str | None:
        former = super().promote(ref)
        if self.paused:
            self.moved.set()
            assert self.go.wait(60)
        return former


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ModelContext]:
    """Data, a ledger in a file, and a registry in memory without any version."""
    rng = np.random.default_rng(0)
    at = moments(25, 20)
    x = rng.normal(size=len(at))
    rows = pd.DataFrame({"at": at, "x": x, "y": (x + rng.normal(size=len(at)) > 0).astype(int)})
    spec = spec_of(tmp_path / "p", rows, "label_delay: 1h", more="ungated: put_back\n")
    stores = stores_of(spec)
    stores.home.mkdir()
    registry = PausedRegistry(spec)
    registry.moved, registry.go = threading.Event(), threading.Event()
    with open_source(spec) as source, Ledger.open(stores.ledger) as ledger:
        yield ModelContext(spec, stores, ledger, registry, source)


def promotion(context: ModelContext) -> Any:
    with champion_lock(context) as lock:
        move_champion(context, "2", Move("promotion", "it is better", "me", NOW), lock)


def first(context: ModelContext) -> Any:
    return train_first(context, NOW, lambda context, now, claim: first_version(context, now, claim=claim).number)


def swept(context: ModelContext) -> Any:
    return sweep(context, NOW)


def trained(context: ModelContext) -> None:
    """Version 1 serves, version 2 does not."""
    for day in (18, 19):
        first_version(context, START + day * DAY)
    move_champion(context, "1", Move("first", "the first version", "test", START + 18 * DAY), UNCONTESTED)


def at_once(
    context: ModelContext, one: Callable[[ModelContext], Any], two: Callable[[ModelContext], Any]
) -> tuple[Any, Any]:
    """What both return or raise; *two* begins when *one* has moved the alias, and has not written that down yet."""
    found: dict[int, Any] = {}

    def run(number: int, work: Callable[[ModelContext], Any]) -> None:
        try:
            found[number] = work(context)
        except Exception as error:
            found[number] = error

    registry = context.registry
    assert isinstance(registry, PausedRegistry)
    registry.paused = True
    threads = [threading.Thread(target=run, args=each) for each in ((1, one), (2, two))]
    threads[0].start()
    assert registry.moved.wait(60), found
    threads[1].start()
    threads[1].join(0.5)
    assert threads[1].is_alive(), f"it did not wait: {found}"
    registry.go.set()
    for each in threads:
        each.join(60)
    return found[1], found[2]


def moves(context: ModelContext) -> list[tuple[str, str | None, str]]:
    return [(p.version, p.previous, p.kind) for p in context.ledger.promotions.of("small")]


def serving(context: ModelContext) -> str:
    found = context.registry.champion()
    assert found is not None
    return found.number


FIRST, PROMOTED = ("1", None, "first"), ("2", "1", "promotion")


@pytest.mark.parametrize("two", [promotion, swept, first])
def test_beside_a_promotion(context: ModelContext, two: Callable[[ModelContext], Any]) -> None:
    """The other finds it whole: it is written down once, and a sweep catches nothing."""
    trained(context)
    _, other = at_once(context, promotion, two)
    assert moves(context) == [FIRST, PROMOTED]
    assert context.ledger.unapproved.of("small") == []
    assert serving(context) == "2"
    assert isinstance(other, RegistryError) if two is first else other in (None, ())


@pytest.mark.parametrize("two", [swept, first])
def test_beside_the_first_version(context: ModelContext, two: Callable[[ModelContext], Any]) -> None:
    one, other = at_once(context, first, two)
    assert one == "1"
    assert moves(context) == [FIRST]
    assert len(context.registry.versions()) == 1
    assert isinstance(other, RegistryError) if two is first else other == ()


@pytest.mark.parametrize("two", [promotion, swept, first])
def test_beside_a_sweep_that_puts_a_version_back(context: ModelContext, two: Callable[[ModelContext], Any]) -> None:
    trained(context)
    first_version(context, NOW)
    context.registry.promote("3")  # by hand, past any gate
    one, other = at_once(context, swept, two)
    assert one == ("caught v3, put back v1",)
    back = [FIRST, ("3", "1", "ungated"), ("1", "3", "put_back")]
    assert moves(context) == ([*back, PROMOTED] if two is promotion else back)
    assert len(context.ledger.unapproved.of("small")) == 1
    assert isinstance(other, RegistryError) if two is first else other in (None, ())


def test_nobody_waits_for_one_that_died(context: ModelContext) -> None:
    """Its name stands in the lock file, which no process has locked."""
    assert context.ledger.claims.claim_first("small", "gone")
    (context.stores.home / "champion-small.lock").write_text("\ngone\n")
    with champion_lock(context, wait=0) as lock:
        lock.check()


def test_one_that_does_not_answer_is_waited_for_and_then_named(context: ModelContext) -> None:
    """Another machine's: nothing is changed, and a sweep leaves it to the next one."""
    trained(context)
    assert context.ledger.claims.claim_first("small", "elsewhere")
    with pytest.raises(Busy), champion_lock(context, wait=0.2):
        pytest.fail("two have the lock")
    context.ledger.claims.release_first("small", "elsewhere")
    with champion_lock(context, wait=0):
        pass


def test_a_lock_that_was_lost_moves_nothing(context: ModelContext) -> None:
    """Its process slept past the lease, and another has the lock by now."""
    trained(context)
    with champion_lock(context) as lock:
        lock.release()
        assert context.ledger.claims.claim_first("small", "elsewhere")
        with pytest.raises(Busy):
            move_champion(context, "2", Move("promotion", "late", "me", NOW + timedelta(days=1)), lock)
    assert moves(context) == [FIRST]
    assert serving(context) == "1"


def test_one_that_slept_while_another_had_the_lock_and_gave_it_back_has_lost_it(context: ModelContext) -> None:
    """What was looked at before may be stale: the alias has been moved meanwhile."""
    with champion_lock(context) as lock:
        lock.check()
        with context.ledger._engine.begin() as session:  # its lease has ended
            session.execute(text("update claims set until = '2020-01-01 00:00:00'"))
        assert context.ledger.claims.claim_first("small", "another")
        context.ledger.claims.release_first("small", "another")
        with pytest.raises(Busy):
            lock.check()
