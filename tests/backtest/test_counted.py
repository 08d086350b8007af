"""What is counted for an arm: the CPU time of processes that it starts, and versions that hurt."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime

import pandas as pd
import pytest

from ratoon.backtest.cpu_clock import Spent
from ratoon.backtest.hindsight import Hindsight
from ratoon.loop.context import simulated
from ratoon.loop.learn.first import first_version
from ratoon.models.ladder.run import first
from ratoon.models.learning.trained import Trained
from ratoon.spec.model import Spec
from ratoon.spec.values import Span
from ratoon.system.usage import cpu_seconds

START, CHANGE = datetime(2026, 1, 31), datetime(2026, 2, 10)

BURN = """
import sys, time
while time.process_time() < 0.5: pass
print("done", flush=True)
sys.stdin.read()
"""


def test_a_process_that_an_arm_starts_is_counted_while_it_runs_and_when_it_has_ended() -> None:
    before = cpu_seconds()
    with subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdin is not None
        child.stdout.readline()
        running = cpu_seconds() - before if sys.platform == "linux" else 0.5
        child.stdin.close()
        child.wait()
    ended = cpu_seconds() - before
    assert 0.45 <= running <= ended + 0.02  # the system counts in hundredths


def test_what_is_neither_learning_nor_judging_is_looking() -> None:
    spent = Spent()
    with pytest.raises(ZeroDivisionError), spent.counting():
        sum(range(1_000_000))
        raise ZeroDivisionError
    spent.learning = spent.total / 4
    assert spent.cpu.looking == pytest.approx(spent.total * 0.75)
    assert spent.cpu.total == pytest.approx(spent.total)


@pytest.fixture
def judged(spec: Spec) -> Iterator[tuple[Hindsight, Trained, Trained]]:
    """A judge, the first version, and one that learned every label turned around."""
    with simulated(spec) as context:
        good = context.registry.load(first_version(context, START).number)
        rows = context.source.as_of(START).learned(START)
        bad, _ = first(context.spec, rows.assign(_target=1 - rows["_target"]))
        yield Hindsight(context), good, bad


def test_a_version_that_is_provably_worse_than_the_one_it_replaced_is_told(
    judged: tuple[Hindsight, Trained, Trained],
) -> None:
    judge, good, bad = judged
    rows = judge.rows(Span(start=START, end=CHANGE))
    assert judge.worse(bad, good, rows) is True
    assert judge.worse(bad, good, rows, among=40) is True
    assert judge.worse(good, bad, rows) is False
    assert judge.worse(good, good, rows) is False
    assert judge.worse(bad, good, pd.DataFrame(rows.head(3))) is None, "too few to tell"
