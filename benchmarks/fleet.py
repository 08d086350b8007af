"""False alarms over a fleet: 1,000 models looked at 200 times, 20 of them harmed by two standard errors from look 101.

    python benchmarks/fleet.py [--shocks]

Each look measures a model's loss in standard errors: standard normal where nothing is wrong, higher by two after the
harm. Compared are the rule that many start with (two of the last three looks significant at .05), Benjamini-Hochberg
over the fleet at each look, and what Ratoon does: an e-process for each model and e-BH over the fleet at each look
(anytime/fleet.py, the code that `fleet.alarm` runs). With --shocks all models share half of each look's variance,
as under weather or holidays. Seeded; nothing but the printed CPU time varies.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from ratoon.anytime.fleet import ALPHA, HarmEvidence, e_bh

MODELS, LOOKS, HARMED, FROM, BY = 1_000, 200, 20, 100, 2.0


def stream(shocks: bool, seed: int = 0) -> NDArray[np.float64]:
    """The losses in standard errors, shape (looks, models); the first `HARMED` models are harmed."""
    rng = np.random.default_rng(seed)
    own = rng.standard_normal((LOOKS, MODELS))
    if shocks:
        own = np.sqrt(0.5) * own + np.sqrt(0.5) * rng.standard_normal((LOOKS, 1))
    own[FROM:, :HARMED] += BY
    return own


def two_of_three(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Two of the last three looks significant at .05, each by itself."""
    low = losses > norm.isf(ALPHA)
    counted = low.astype(int)
    counted[1:] += low[:-1]
    counted[2:] += low[:-2]
    return counted >= 2


def bh(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Benjamini-Hochberg over the fleet, at each look anew."""
    return np.array([false_discovery_control(norm.sf(look)) <= ALPHA for look in losses])


def e_processes(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Ratoon's: an e-process for each model, e-BH over the fleet at each look."""
    alarms = np.zeros(losses.shape, dtype=bool)
    processes = [HarmEvidence() for _ in range(losses.shape[1])]
    for number, look in enumerate(losses):
        processes = [each.look(float(harm)) for each, harm in zip(processes, look, strict=True)]
        for name in e_bh({str(n): each.e_value for n, each in enumerate(processes)}):
            alarms[number, int(name)] = True
    return alarms


def told(name: str, alarms: NDArray[np.bool_], seconds: float) -> str:
    """One line of the table."""
    healthy = int(alarms[:, HARMED:].any(axis=0).sum())
    after = alarms[FROM:, :HARMED]
    found = after.any(axis=0)
    wait = np.median(after[:, found].argmax(axis=0) + 1) if found.any() else float("nan")
    return f"{name:<34} {healthy:>9} of {MODELS - HARMED} {int(found.sum()):>6} of {HARMED} {wait:>8g} {seconds:>8.2f}"


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--shocks", action="store_true", help="half of each look's variance is shared by all models")
    losses = stream(asked.parse_args().shocks)
    print(f"{'alarms on':<34} {'healthy models':>16} {'harmed':>12} {'looks':>8} {'CPU s':>8}")
    for name, method in (
        ("two of three looks at .05", two_of_three),
        ("BH over the fleet, each look", bh),
        ("e-process a model, e-BH (Ratoon)", e_processes),
    ):
        began = time.process_time()
        alarms = method(losses)
        print(told(name, alarms, time.process_time() - began))
    print("looks: the median from the harm to the alarm, of those found.")


if __name__ == "__main__":
    main()
