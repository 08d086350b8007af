"""Print how the package is built: sizes of files and functions, parameters, `Any`; with --trace, what one run enters.

    .ci/house.py            the figures, and what is beyond the goal
    .ci/house.py --trace    also: how many of the package's files one run of the monitor enters that fires and promotes

The trace takes a minute: it makes the starter project in a temporary folder, trains it, and follows the calls of the
monitor after the example's change, with a rule that fires and `review: automatic`.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES, MOST_OF_A_FUNCTION, MOST_PARAMETERS, MOST_FILES = 300, 60, 8, 25
GOALS = {"any": 8.0, "median": 120, "short": 90.0, "entered": 110}

POLICY = """\
triage: {persist: 1 of 1}
policy:
  - when: triage == "harm"
    do: warm_start
    min_rows: 50
"""
TRACED = r"""
import pathlib, sys, threading
import ratoon
root, report = pathlib.Path(ratoon.__path__[0]).resolve(), sys.argv[1]
mine = set(sys.argv[2].split(","))  # a virtual environment may stand below the root
entered = {}
def follow(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_flags & 1:  # a function: bodies of modules and classes are but definitions
        entered[code.co_filename] = entered.get(code.co_filename, 0) + 1
from ratoon.cli.main import run
sys.argv = ["ratoon", *sys.argv[3:]]
threading.setprofile(follow)
sys.setprofile(follow)
try:
    run()
finally:
    sys.setprofile(None)
    inside = {pathlib.Path(name).resolve(): count for name, count in entered.items()}
    below = {each: count for each, count in inside.items() if each.is_relative_to(root)}
    ours = {each: count for each, count in below.items() if str(each.relative_to(root)) in mine}
    pathlib.Path(report).write_text("".join(f"{each.relative_to(root)} {ours[each]}\n" for each in sorted(ours)))
"""


@dataclass(frozen=True)
class Function:
    """A function: where it begins, its lines and parameters."""

    place: str
    lines: int
    parameters: int


def files() -> list[Path]:
    """The package's Python files: those of the packages that pyproject.toml lists."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = [ROOT.joinpath(*name.split(".")[1:]) for name in listed]
    return sorted(each for folder in folders for each in folder.glob("*.py"))


def functions(file: Path) -> Iterator[Function]:
    """Each function of *file*; its parameters but for `self` and `cls`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = sum(each.arg not in ("self", "cls") for each in names)
            count += (node.args.vararg is not None) + (node.args.kwarg is not None)
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield Function(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}", lines, count)


def uses_of_any(file: Path) -> int:
    """How often *file* says `Any` in an annotation or a type."""
    return sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(ast.parse(file.read_text())))


def figures() -> list[str]:
    """The figures, one a line, each followed by what is beyond its goal."""
    sizes = {file: len(file.read_text().splitlines()) for file in files()}
    found = [each for file in sizes for each in functions(file)]
    folders: dict[Path, int] = {}
    for file in sizes:
        folders[file.parent] = folders.get(file.parent, 0) + (file.name != "__init__.py")
    any_ = 1000 * sum(map(uses_of_any, sizes)) / sum(sizes.values())
    long = {f"{file.relative_to(ROOT)}": lines for file, lines in sizes.items() if lines > MOST_LINES}
    slow = {each.place: each.lines for each in found if each.lines > MOST_OF_A_FUNCTION}
    wide = {each.place: each.parameters for each in found if each.parameters > MOST_PARAMETERS}
    full = {f"{folder.relative_to(ROOT)}/": count for folder, count in folders.items() if count > MOST_FILES}
    short = 100 * (1 - len(long) / len(sizes))
    return [
        f"{len(sizes)} files, {sum(sizes.values()):,} lines",
        f"Any per 1,000 lines: {any_:.1f} (goal {GOALS['any']:.0f})",
        f"median file: {statistics.median(sizes.values()):.0f} lines (goal {GOALS['median']})",
        f"files of at most {MOST_LINES} lines: {short:.1f} % (goal {GOALS['short']:.0f} %)",
        *_beyond(f"files over {MOST_LINES} lines", long),
        *_beyond(f"functions over {MOST_OF_A_FUNCTION} lines", slow),
        *_beyond(f"functions with more than {MOST_PARAMETERS} parameters", wide),
        *_beyond(f"folders with more than {MOST_FILES} files", full),
    ]


def _beyond(what: str, found: dict[str, int]) -> list[str]:
    worst = sorted(found.items(), key=lambda each: -each[1])
    return [f"{what}: {len(found)} (goal 0)", *(f"    {count:5} {place}" for place, count in worst)]


def trace() -> list[str]:
    """The package's files that a run of the monitor enters which fires and promotes, with the calls into each."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        spec, report = folder / "late-flights" / "spec.yaml", folder / "entered.txt"
        _ratoon("init", str(spec.parent))
        text = re.sub(r"^policy:.*?(?=^\S)", POLICY, spec.read_text(), flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"review: \w+", "review: automatic", text)
        spec.write_text(re.sub(r"(build: training.py:build)[^\n]*", r"\1\n  limits: {apart: false}", text))
        _ratoon("train", str(spec), "--at", "2026-02-03")
        mine = ",".join(str(each.relative_to(ROOT)) for each in files())
        command = [sys.executable, "-c", TRACED, str(report), mine, "monitor", str(spec), "--at", "2026-02-20"]
        _run(command)
        versions = json.loads(_ratoon("status", str(spec), "--json"))["versions"]
        promoted = any(each["version"] != "1" and "champion" in each["alias"] for each in versions)
        lines = report.read_text().splitlines()
    calls = sum(int(line.rpartition(" ")[2]) for line in lines)
    what = "that fires and promotes" if promoted else "that did NOT promote"
    return [
        f"files entered by a monitoring run {what}: {len(lines)} (goal {GOALS['entered']}), {calls:,} calls",
        *(f"    {line.rpartition(' ')[2]:>8} {line.rpartition(' ')[0]}" for line in lines),
    ]


_RATOON = [sys.executable, "-c", "from ratoon.cli.main import run; run()"]


def _ratoon(*arguments: str) -> str:
    return _run([*_RATOON, *arguments])


def _run(command: list[str]) -> str:
    """What *command* prints."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  # ours, no shell
    return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trace", action="store_true", help="also follow one run of the monitor")
    asked = parser.parse_args()
    print(*figures(), sep="\n")
    if asked.trace:
        print(*trace(), sep="\n")
