"""A loss that a label fault explains is broken data; one that drift explains is harm."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from label_stream import (
    Fault,
    above,
    default,
    in_group,
    judged,
    last_week_s,
    named,
    permuted,
    shifted,
    site_default,
    unit,
    window,
    within_a_day,
)

from ratoon.monitors.labels.explained import explained

ANY = ("binary", "multiclass", "regression")
CASES: dict[str, tuple[Fault, str, tuple[str, ...]]] = {
    "turned round for 30 %": (in_group("north"), "label_group", ANY),
    "turned round for 25 %": (in_group("east"), "label_group", ANY),
    "turned round for 15 %": (in_group("west"), "label_group", ANY),
    "turned round for a quarter by a number": (above(0.25), "label_group", ("binary", "regression")),
    "turned round for half by a number": (above(0.5), "label_group", ("binary", "regression")),
    "20 % are 0": (default(0.2, 0.0), "label_default", ("binary", "regression")),
    "40 % are 0": (default(0.4, 0.0), "label_default", ("binary", "regression")),
    "60 % are 0": (default(0.6, 0.0), "label_default", ("binary", "regression")),
    "40 % are 1": (default(0.4, 1.0), "label_default", ("binary",)),
    "40 % are of the middle": (default(0.4, "middle"), "label_default", ("multiclass",)),
    "30 % are low": (default(0.3, "low"), "label_default", ("multiclass",)),
    "all of one site are 0": (site_default("north", 0.0), "label_group", ("binary",)),
    "all of one site are low": (site_default("north", "low"), "label_group", ("multiclass",)),
    "shifted by a row": (shifted(1), "label_shift", ANY),
    "shifted by a row back": (shifted(-1), "label_shift", ANY),
    "shifted by five rows": (shifted(5), "label_shift", ANY),
    "dealt anew within each day": (within_a_day, "label_rows", ANY),
    "dealt anew": (permuted, "label_rows", ANY),
    "those of last week": (last_week_s, "label_shift", ANY),
    "another unit for one site": (unit("south", 1000.0), "label_group", ("regression",)),
    "minutes for one site": (unit("east", 1 / 60), "label_group", ("regression",)),
    "another unit for 4 %": (unit("kiosk", 100.0, of="shop"), "label_group", ("regression",)),
    "tenfold for 4 %": (unit("kiosk", 10.0, of="shop"), "label_group", ("regression",)),
    "two classes exchanged": (named(low="top", top="low"), "label_classes", ("multiclass",)),
    "two neighbours exchanged": (named(low="middle", middle="low"), "label_classes", ("multiclass",)),
    "two classes merged": (named(top="middle"), "label_classes", ("multiclass",)),
}


def found(task: str, fault: Fault | None, *, seed: int = 0, before: int = 0) -> dict[str, tuple[str, bool]]:
    """The findings where *fault* broke the window, and so many before, as (status, lasting) by metric."""
    rng = np.random.default_rng(seed)
    windows = [window(task, number, seed=seed) for number in range(4, -1, -1)]
    targets = [
        fault(each, older, rng) if fault is not None and place <= before else each.frame["_target"]
        for place, (each, older) in enumerate(pairwise(windows))
    ]
    asked = judged(windows[0], targets[0], list(zip(windows[1:4], targets[1:4], strict=True)))
    return {f.metric: (f.status, f.lasting) for f in explained(asked)}


@pytest.mark.parametrize(
    ("name", "task"), [(name, task) for name, (_, _, tasks) in CASES.items() for task in tasks], ids=str
)
def test_a_fault_of_labels_is_told_from_harm(name, task):
    fault, metric, _ = CASES[name]

    assert found(task, fault).get(metric) == ("fail", False)


@pytest.mark.parametrize(
    ("name", "task"),
    [(n, t) for n in ("turned round for 30 %", "40 % are 0", "shifted by a row") for t in CASES[n][2]],
    ids=str,
)
def test_a_fault_that_began_in_the_midst_of_the_window_is_told_as_well(name, task):
    fault, metric, _ = CASES[name]

    def begun(now, older, rng):
        sound = now.frame["_target"]
        return sound.where(sound.index < len(sound) // 2, fault(now, older, rng))

    assert found(task, begun).get(metric) == ("fail", False)


@pytest.mark.parametrize("task", ANY)
@pytest.mark.parametrize("seed", range(4))
def test_sound_labels_are_no_fault(task, seed):
    assert found(task, None, seed=seed) == {}


@pytest.mark.parametrize("task", ANY)
@pytest.mark.parametrize("turn", [0.3, 0.8, 1.4])
def test_a_relation_that_moved_at_once_is_harm(task, turn):
    """Labels go with another feature now, which the champion makes nothing of."""
    windows = [window(task, number, seed=2) for number in range(3, 0, -1)]
    now = window(task, 4, seed=2, turn=turn)
    asked = judged(now, now.frame["_target"], [(each, each.frame["_target"]) for each in windows])

    assert list(explained(asked)) == []


@pytest.mark.parametrize("floor", [105.0, 95.0])
def test_zeros_of_a_quiet_season_are_no_default(floor):
    """Sales that the closures cut off: many more are 0 where little was predicted, hardly any where much was."""

    def cut(each, below):
        return each.frame["_target"].mask(each.frame["_target"] < below, 0.0)

    windows = [window("regression", number, seed=4) for number in range(3, 0, -1)]
    now = window("regression", 4, seed=4)
    asked = judged(now, cut(now, floor), [(each, cut(each, 75.0)) for each in windows])

    assert [each for each in explained(asked) if each.metric == "label_default"] == []


@pytest.mark.parametrize("task", ANY)
@pytest.mark.parametrize("prior", [-1.5, -0.7, 1.0])
def test_a_base_rate_that_moved_at_once_is_harm(task, prior):
    windows = [window(task, number, seed=3) for number in range(3, 0, -1)]
    now = window(task, 4, seed=3, prior=prior)
    asked = judged(now, now.frame["_target"], [(each, each.frame["_target"]) for each in windows])

    assert list(explained(asked)) == []


@pytest.mark.parametrize(
    ("name", "task"),
    [(n, t) for n in ("turned round for 30 %", "40 % are 0", "40 % are of the middle") for t in CASES[n][2]],
    ids=str,
)
def test_what_stays_for_three_windows_is_the_world_as_it_is_now(name, task):
    """Labels that still go with features can be learned; for two windows nobody knows."""
    fault, metric, _ = CASES[name]

    assert found(task, fault, before=1).get(metric) == ("fail", False)
    assert found(task, fault, before=2).get(metric) == ("warn", True)


def test_labels_that_go_with_nothing_are_a_fault_however_long():
    assert found("binary", permuted, before=2).get("label_rows") == ("fail", False)
