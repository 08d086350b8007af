"""200 small updates, killed with SIGKILL at random points and resumed each time from what was saved last."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratoon.data.holdout import fingerprint
from ratoon.models.families.build import build
from ratoon.models.families.learner import learner_for
from ratoon.models.registry.version_files import EXTRA, STATE

from . import update_loop as loop
from .found_learners import NEEDS, found_learners, name_of, unavailable
from .kept_versions import loaded, saved

UPDATES = 200
# Kills by family: fewer where a process takes seconds to import its library.
KILLS = {"sgd": 8, "mlp": 8, "bayes": 8, "kmeans": 7, "lightgbm": 5, "xgboost": 5, "river": 6, "torch": 4, "own": 6}
KILLS |= {"lightgbm_blocks": 3, "xgboost_blocks": 3}
IN_CI = ("sgd", "lightgbm")  # one that goes on in place, one that grows; the others are variants
NEVER_UPDATED = {"ScratchOnly"}  # it refuses every update


def run_until(folder: Path, name: str, line: str | None, wait: float) -> list[str]:
    """Run the loop and kill it *wait* seconds after it told *line* (None: let it end); all that it told."""
    command = [sys.executable, str(Path(loop.__file__)), str(folder), name, str(UPDATES)]
    told: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as run:
        assert run.stdout is not None
        for each in run.stdout:
            told.append(each.strip())
            if told[-1] == line:
                time.sleep(wait)
                run.send_signal(signal.SIGKILL)
                told += run.stdout.read().split("\n")[:-1]
                break
        assert run.wait() == (0 if line is None else -signal.SIGKILL)
    return told


def kill_now_and_then(name: str, folder: Path) -> tuple[int, int]:
    """Kill as often as KILLS says, spread over the updates, then let the loop end; kills, and those in a save.

    Every second one is aimed at a save, the others at wherever the loop is a moment after one.
    """
    chance = random.Random(f"kill {name}")
    points = sorted(chance.sample(range(1, UPDATES - 5), KILLS[name]))
    killed = saving = 0
    for turn, point in enumerate(points):
        done = saved(folder)
        if done and int(done[-1].name) >= point:
            point = int(done[-1].name) + 1
        if turn % 2:
            told = run_until(folder, name, f"saving {point}", chance.uniform(0, 0.01))
        else:
            told = run_until(folder, name, f"saved {point}", chance.uniform(0, 0.1))
        killed += 1
        saving += told[-1].startswith("saving")
    run_until(folder, name, None, 0)
    return killed, saving


def learned_by(folder: Path, rows: Any) -> Counter[str]:
    """How often each row was learned along the versions; each version's state says the same of itself."""
    learned: Counter[str] = Counter()
    before: set[str] = set()
    for version in saved(folder):
        state = json.loads((version / EXTRA / STATE).read_text())
        behind = set(rows["_id"][rows["_label_time"] <= np.datetime64(state["watermark"])])
        learned.update(behind - before)
        assert state["fingerprint"] == fingerprint(behind), version.name
        assert state["learned_rows"] == len(behind), version.name
        before = behind
    return learned


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in IN_CI else pytest.mark.long) for name in KILLS]
)
def test_killed_updates_learn_every_row_once_and_end_in_the_same_state(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """As if nothing had happened: same fingerprint and counts, same state, same predictions, same future."""
    if name.split("_")[0] in ("lightgbm", "xgboost", "river", "torch"):
        pytest.importorskip(name.split("_")[0])
    killed, saving = kill_now_and_then(name, tmp_path)

    spec, rows = loop.spec_of(name), loop.stream(UPDATES, name)
    learned = learned_by(tmp_path, rows)
    straight = loop.begin(spec, rows)
    for _ in range(UPDATES):
        straight = loop.step(straight, rows, spec)
    resumed = loaded(saved(tmp_path)[-1], spec)
    more = loop.stream(UPDATES + 1, name)
    futures = [loop.step(each, more, spec).predict_frame(more) for each in (resumed, straight)]

    told = {"profile", "reference", "parent"}  # a saved version knows its parent's number, one in memory has none
    equal = resumed.state.model_dump(exclude=told) == straight.state.model_dump(exclude=told)
    equal = equal and futures[0].equals(futures[1])
    kept = [None if each.reservoir is None else each.reservoir["_id"].tolist() for each in (resumed, straight)]
    equal = equal and kept[0] == kept[1]
    times = Counter(learned.values())
    counts = {
        "learner": " ".join(sorted(name_of(learner_for(straight.estimator, spec)) - {"object"})),
        "updates": resumed.state.updates,
        "kills": killed,
        "saving": saving,
        "once": times[1],
        "twice": sum(times.values()) - times[1],
        "left": len(set(rows["_id"]) - set(learned)),
        "equal": equal,
    }
    record_property("killed", {"name": name, **counts})
    assert (counts["updates"], counts["kills"]) == (UPDATES, KILLS[name])
    assert (counts["once"], counts["twice"], counts["left"]) == (len(rows), 0, 0)
    assert equal
    if name in ("lightgbm", "xgboost"):
        assert "(1 dropped)" in resumed.state.notes[0]


def test_no_learner_escapes_being_killed() -> None:
    """Each class in models/families/ that is a learner, and each installed entry point, has an entry in KILLS."""
    tried = NEVER_UPDATED | unavailable()
    for name in KILLS:
        if NEEDS.get(name) in tried:
            continue
        spec = loop.spec_of(name)
        tried |= name_of(learner_for(build(spec), spec))
    lacking = sorted(found_learners() - tried)
    assert not lacking, f"no entry in KILLS (and no model in kept_builds.py) for: {', '.join(lacking)}"
