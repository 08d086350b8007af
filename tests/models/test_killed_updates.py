"""200 small updates, killed with SIGKILL at random points and resumed each time from what was saved last."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratoon.data.holdout import fingerprint

LOOP = Path(__file__).parent / "update_loop.py"
UPDATES, KILLS = 200, 8

found = importlib.util.spec_from_file_location("update_loop", LOOP)
assert found is not None and found.loader is not None
loop: Any = importlib.util.module_from_spec(found)
found.loader.exec_module(loop)


def run_until(folder: Path, build: str, after: int, wait: float) -> bool:
    """Run the loop and kill it *wait* seconds after its next *after* updates; whether it ended by itself before."""
    command = [sys.executable, str(LOOP), str(folder), build, str(UPDATES)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as run:
        assert run.stdout is not None
        for _ in range(after):
            if not run.stdout.readline():
                assert run.wait() == 0
                return True
        time.sleep(wait)
        run.send_signal(signal.SIGKILL)
        run.wait()
        return False


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("build", ["sgd", "mlp", "bayes"])
def test_killed_updates_learn_every_row_once_and_end_in_the_same_state(build: str, tmp_path: Path) -> None:
    """As if nothing had happened: same fingerprint and counts, same state, same predictions, same future."""
    chance = random.Random(f"kill {build}")
    killed, in_a_save = 0, 0
    while killed < KILLS:
        if run_until(tmp_path, build, chance.randint(1, 2 * UPDATES // KILLS - 3), chance.uniform(0, 0.15)):
            break
        killed += 1
        in_a_save += any(each.name.startswith(".") for each in tmp_path.iterdir())
    assert killed >= 4
    assert run_until(tmp_path, build, UPDATES + 2, 0)

    rows = loop.stream(60 + loop.ROWS * UPDATES)
    learned: Counter[str] = Counter()
    before = None
    for saved in sorted(each for each in tmp_path.iterdir() if not each.name.startswith(".")):
        state = json.loads((saved / "training_state.json").read_text())
        behind = set(rows["_id"][rows["_label_time"] <= np.datetime64(state["watermark"])])
        learned.update(behind - (before or set()))
        assert state["fingerprint"] == fingerprint(behind), saved.name
        assert state["learned_rows"] == len(behind), saved.name
        before = behind
    assert set(learned.values()) == {1} and len(learned) == len(rows)

    straight = loop.begin(build)
    for _ in range(UPDATES):
        straight = loop.step(straight, rows)
    resumed = loop.load(loop.newest(tmp_path))
    told = {"profile", "reference", "parent"}  # a saved version knows its parent's number, one in memory has none
    assert resumed.state.model_dump(exclude=told) == straight.state.model_dump(exclude=told)
    np.testing.assert_array_equal(resumed.predict_frame(rows)["_score"], straight.predict_frame(rows)["_score"])
    assert resumed.reservoir["_id"].tolist() == straight.reservoir["_id"].tolist()
    print(
        f"\n{build}: {UPDATES} updates, killed {killed} times ({in_a_save} of them while saving), resumed each time; "
        f"{len(rows)} rows learned once, 0 twice, 0 left out; end state equal to the uninterrupted run"
    )
