"""Several processes write, some are killed: readers see no gap, and what was acknowledged is there once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import ratoon
from ratoon.log import Log, LoggedLabel, open_log

from .conftest import MODEL, labels

WRITER = Path(__file__).with_name("writer.py")


def started(url: str, name: str, *, partition: str = "", most: int = 0) -> subprocess.Popen[str]:
    """A writer; without *most* it writes until it is killed."""
    roots = [str(Path(ratoon.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in roots if each)}
    command = [sys.executable, str(WRITER), url, MODEL, partition, name, str(most)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def followed(log: Log, writers: list[subprocess.Popen[str]]) -> list[LoggedLabel]:
    """What a reader sees who goes on from the last position that it saw, until all *writers* have ended."""
    seen: list[LoggedLabel] = []
    ended = False
    while True:
        page = log.labels_after(MODEL, seen[-1].position if seen else 0, 50)
        seen += page
        if page:
            continue
        if ended:
            return seen
        ended = all(each.poll() is not None for each in writers)
        time.sleep(0.002)


def acknowledged(writer: subprocess.Popen[str]) -> list[str]:
    """The labels that the writer was told are on the disk, when it has ended; a torn last line is none."""
    assert writer.stdout is not None
    with writer.stdout:
        said = writer.stdout.read()
    writer.wait(60)
    return said.split("\n")[:-1]


def killed(writer: subprocess.Popen[str]) -> list[str]:
    """Kill a writer a moment after its first labels; those that it was told are on the disk."""
    assert writer.stdout is not None
    first = writer.stdout.readline().strip()
    time.sleep(random.uniform(0, 0.2))
    os.kill(writer.pid, signal.SIGKILL)
    return [first, *acknowledged(writer)]


def test_six_writers_and_a_reader_that_sees_no_gap(url: str) -> None:
    with open_log(url) as log:
        writers = [started(url, f"w{n}", most=15) for n in range(6)]
        seen = followed(log, writers)
    written = [each for writer in writers for each in acknowledged(writer)]

    assert len(written) == 6 * 15 * 3
    assert sorted(each.event.row_id for each in seen) == sorted(written)
    arrivals = [each.arrival for each in seen]
    assert arrivals == sorted(set(arrivals))


def killed_and_read(url: str, kills: int, seed: int) -> None:
    """Kill one of three writers again and again; each acknowledged label is in the log once, and none twice."""
    random.seed(seed)
    told: list[str] = []
    with open_log(url) as log:
        writers = [started(url, f"w{n}") for n in range(3)]
        for kill in range(kills):
            place = random.randrange(3)
            told += killed(writers[place])
            writers[place] = started(url, f"w{3 + kill}")
        for each in writers:
            told += killed(each)
        seen = Counter(each.event.row_id for each in followed(log, writers))

    assert {each: seen[each] for each in told if seen[each] != 1} == {}
    assert set(seen.values()) == {1}


def test_acknowledged_labels_survive_kills(url: str) -> None:
    killed_and_read(url, kills=3, seed=1)


@pytest.mark.long
def test_acknowledged_labels_survive_a_hundred_kills(url: str) -> None:
    killed_and_read(url, kills=100, seed=2)


def test_a_killed_transaction_leaves_nothing(url: str) -> None:
    """A label whose writer got no answer is sent again, and is there once."""
    writer = started(url, "w0", most=2)
    sent = acknowledged(writer)
    with open_log(url) as log:
        assert log.append_labels(MODEL, labels(*sent[:3], value=0)) == ["repeated"] * 3
