"""What a command's start costs: CPU of `--help`, a typo, `status` and `monitor`, beside `import pandas`.

    python benchmarks/startup.py [--runs 5]

Each is a process of its own; what is printed is the median CPU (user and system, children included) and its ratio
to that of `import pandas`, run by turns with them, so that a busy machine slows both. `status` and `monitor` work on
the starter project of `ratoon init`, trained here, without any server; `monitor` looks at a healthy window, another
moment each time, since a moment that was decided is not looked at again. In shadow mode nothing learns in
the background, so that what is left is the look and its imports.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

RATOON = ("-m", "ratoon.cli.main")
CALM = datetime(2026, 2, 2)
GOALS = {"--help": 0.6, "a typo": 0.6, "monitor": 6.0, "monitor, shadow": 6.0}


def cpu(*arguments: str) -> float:
    """CPU seconds of this Python with *arguments*, whatever its exit code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    foreign = ("PREFECT_", "MLFLOW_", "RATOON_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    subprocess.run([sys.executable, *arguments], capture_output=True, env=environment, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def commands(spec: Path, shadow: Path) -> dict[str, Callable[[int], tuple[str, ...]]]:
    """By name: the arguments of the n-th run."""

    def monitor(n: int, spec: Path) -> tuple[str, ...]:
        return (*RATOON, "monitor", str(spec), "--at", f"{CALM + timedelta(hours=n):%Y-%m-%dT%H:%M:%S}")

    return {
        "import pandas": lambda n: ("-c", "import pandas"),
        "--help": lambda n: (*RATOON, "--help"),
        "a typo": lambda n: (*RATOON, "monitr"),
        "status": lambda n: (*RATOON, "status", str(spec)),
        "monitor": lambda n: monitor(n, spec),
        "monitor, shadow": lambda n: monitor(n, shadow),
    }


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=5, help="of each command")
    runs: int = asked.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        spec, shadow = (Path(folder) / name / "spec.yaml" for name in ("starter", "shadow"))
        for each in (spec, shadow):
            for step in (("init", str(each.parent)), ("train", str(each), "--at", "2026-01-31")):
                cpu(*RATOON, *step)
        text = shadow.read_text(encoding="utf-8").replace("mode: live", "mode: shadow")
        shadow.write_text(text, encoding="utf-8")
        found: dict[str, list[float]] = {}
        for number in range(runs + 1):
            for name, arguments in commands(spec, shadow).items():
                seconds = cpu(*arguments(number))
                if number:  # the first writes byte code
                    found.setdefault(name, []).append(seconds)
    plain = median(found["import pandas"])
    print(f"{'command':<16} {'CPU s':>7} {'x import pandas':>16} {'goal':>6}")
    for name, seconds in found.items():
        goal = f"{GOALS[name]:g}" if name in GOALS else ""
        print(f"{name:<16} {median(seconds):>7.2f} {median(seconds) / plain:>16.2f} {goal:>6}")


if __name__ == "__main__":
    main()
