"""CPU for each durable label and prediction: alone, and in requests of a hundred; SQLite and PostgreSQL side by side.

    python -m benchmarks.log [postgresql://user@host/database]

The log holds 100,000 labelled rows. Sixteen threads hand in labels to one `GroupCommit`, each waiting for its own to be
on the disk. CPU is this process's; a PostgreSQL server's own is not in it. Trust ratios and CPU: wall times are the
disk's.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from ratoon.log import GroupCommit, LabelEvent, Log, Prediction, open_log

NOW = datetime(2026, 1, 1)
FEATURES = {f"x{n}": n + 0.5 for n in range(10)} | {"town": "Ulm"}
ROUNDS = 3
FILLED = 100_000  # labelled rows that are there before
_names = count()


@dataclass(frozen=True)
class Cost:
    """Of one way to write: CPU and wall time for each item, and items in one commit."""

    cpu: float
    wall: float
    together: float


def ids(number: int) -> list[str]:
    return [f"r{next(_names):09d}" for _ in range(number)]


def rows(names: list[str]) -> list[Prediction]:
    return [Prediction(each, NOW, "1", FEATURES, 0.5) for each in names]


def labels(names: list[str]) -> list[LabelEvent]:
    return [LabelEvent(each, 1) for each in names]


def cost(group: GroupCommit, work: Callable[[], int]) -> Cost:
    commits, cpu, wall = group.commits, time.process_time(), time.perf_counter()
    items = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Cost(cpu / items * 1e6, wall / items * 1e6, items / max(1, group.commits - commits))


def measured(log: Log) -> Iterator[tuple[str, Cost]]:
    """Each way once, for rows that are there."""
    with GroupCommit(log) as group, ThreadPoolExecutor(16) as pool:
        names = ids(2_000)
        group.predictions("m", rows(names)).result()

        def alone(each: str) -> None:
            group.labels("m", labels([each])).result()

        def hundred(some: list[str]) -> None:
            group.labels("m", labels(some)).result()

        yield "label, alone", cost(group, lambda: len(list(pool.map(alone, names))))
        many = [ids(100) for _ in range(100)]
        for each in many:
            group.predictions("m", rows(each)).result()
        yield "label, in hundreds", cost(group, lambda: 100 * len(list(pool.map(hundred, many))))

        def row(each: str) -> None:
            group.predictions("m", rows([each])).result()

        def rows_of(some: list[str]) -> None:
            group.predictions("m", rows(some)).result()

        more = ids(2_000)
        yield "prediction, alone", cost(group, lambda: len(list(pool.map(row, more))))
        lots = [ids(100) for _ in range(50)]
        yield "prediction, in hundreds", cost(group, lambda: 100 * len(list(pool.map(rows_of, lots))))


def fill(log: Log) -> None:
    """A log is rarely empty: what is known of a row is looked for among all of them."""
    for _ in range(FILLED // 2_000):
        names = ids(2_000)
        log.append_predictions("m", rows(names))
        log.append_labels("m", labels(names))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        urls = {"SQLite": f"sqlite:///{Path(folder) / 'log.db'}"}
        if len(sys.argv) > 1:
            urls["PostgreSQL"] = sys.argv[1]
        for url in urls.values():
            with open_log(url) as log:
                fill(log)
        best: dict[tuple[str, str], Cost] = {}
        for _ in range(ROUNDS):  # in turns, so that what else the machine does meets both
            for name, url in urls.items():
                with open_log(url) as log:
                    for what, found in measured(log):
                        known = best.get((what, name))
                        best[what, name] = found if known is None or found.cpu < known.cpu else known
    print("| | " + " | ".join(f"{name}: CPU µs | in a commit" for name in urls) + " |")
    print("|---|" + "--:|--:|" * len(urls))
    for what in dict.fromkeys(what for what, _ in best):
        cells = [f"{best[what, name].cpu:.0f} | {best[what, name].together:.1f}" for name in urls]
        print(f"| {what} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
