"""Hostile and absurd specs: refused at once with a sentence, never a hang, a crash or a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import typing
from collections.abc import Iterator
from pathlib import Path

import annotated_types
import pytest
from pydantic import BaseModel, BeforeValidator

from ratoon.backtest.policies import with_policy
from ratoon.flows.prefect.specs import find_specs, usable
from ratoon.policy.rules.check import check_rules
from ratoon.spec.errors import SpecError
from ratoon.spec.load import load_spec
from ratoon.spec.model import Spec

GOOD = textwrap.dedent("""\
    model: m
    task: binary
    data: {source: d.parquet, id: i, time: t, target: y, label_time: l}
    learner: {build: "training.py:build"}
    monitors: {window: 7d, every: 1d}
    """)
MACROS = "[1,2,3,4,5,6,7,8,9,0].{macro}(x{n}, "


def aliases(levels: int = 9, width: int = 10) -> str:
    lines = ["a0: &a0 [" + ",".join("x" * width) + "]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def merged(levels: int = 30) -> str:
    lines = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def rule(when: str) -> str:
    return GOOD + f"policy:\n  - {{when: '{when}', do: alert}}\n"


def nested(depth: int, macro: str = "all") -> str:
    return "".join(MACROS.format(macro=macro, n=n) for n in range(depth)) + "true" + ")" * depth


SPECS = {
    "aliases of aliases": aliases() + GOOD,
    "two aliases in each of thirty mappings": merged() + GOOD,
    "an alias of itself": "a: &a [*a]\n" + GOOD,
    "deep mappings": GOOD + "x: " + "{a: " * 3000 + "1" + "}" * 3000,
    "deep lists": GOOD + "x: " + "[" * 100_000,
    "deep by dashes": GOOD + "x:\n  " + "- " * 5000 + "1\n",
    "a length of ages": GOOD.replace("every: 1d", "every: 999999999999999999999d"),
    "a length that is no date": GOOD.replace("window: 7d", "window: 999999999d"),
    "a length of many digits": GOOD.replace("every: 1d", "every: " + "9" * 5000 + "d"),
    "rows of many digits": GOOD.replace("window: 7d", "window: " + "9" * 4400 + " rows"),
    "a number of many digits": GOOD + "seed: " + "9" * 5000 + "\n",
    "a hexadecimal one": GOOD + "seed: 0x" + "f" * 4000 + "\n",
    "a seed that no generator takes": GOOD + f"seed: {2**40}\n",
    "a size of many digits": GOOD.replace("{build:", "{limits: {memory: " + "9" * 400 + "TB}, build:"),
    "persistence of many digits": GOOD + "triage: {persist: " + "9" * 4400 + " of 3}\n",
    "a date that is none": GOOD.replace("model: m", "model: 2026-13-45"),
    "keys as a key": GOOD + "? {a: b}\n: c\n",
    "a long value": GOOD.replace("task: binary", "task: " + "b" * 9_000),
    "a huge value": GOOD.replace("task: binary", "task: " + "b" * 900_000),
    "a window of nothing": GOOD.replace("window: 7d", "window: 0d"),
    "a reference of less than anybody looks at": GOOD.replace("window: 7d", "window: 7d, reference: 0.0001s"),
    "a budget per nothing": GOOD + "policy:\n  - {when: 'true', do: alert, budget: {runs: 1, per: 0s}}\n",
    "a limit of nothing": GOOD.replace("{build:", "{limits: {wall: 0h}, build:"),
    "steps of a microsecond": GOOD + "backtest: {every: 0.000001s}\n",
    "digits of another script": GOOD.replace("window: 7d", "window: ٧d"),
    "rows in digits of another script": GOOD.replace("window: 7d", "window: ٥٠٠ rows"),
    "a huge file": GOOD + "#" * 2_000_000,
    "nested comprehensions": rule(nested(9)),
    "mapped into each other": rule(f"size({nested(6, 'map')}) > 0"),
    "a condition of parentheses": rule("(" * 2_000 + "true" + ")" * 2_000),
    "a condition of pages": rule(" || ".join(['triage == "harm"'] * 600)),
}


READ_EACH = """
import os, resource, sys
from pathlib import Path
from ratoon.policy.rules.check import check_rules
from ratoon.spec.errors import SpecError
from ratoon.spec.load import load_spec
for folder in sorted(Path(sys.argv[1]).iterdir()):
    if os.fork() == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (5, 6))
        try:
            check_rules(load_spec(folder / "spec.yaml").deciding)
            told = "read"
        except SpecError as error:
            told = f"refused: {error}"
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        (folder / "told").write_text(told)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What became of each spec in a process of its own, which may take 5 s of CPU; "" where it died."""
    home = tmp_path_factory.mktemp("absurd")
    for name, text in SPECS.items():
        (home / name).mkdir()
        (home / name / "spec.yaml").write_text(text)
    subprocess.run([sys.executable, "-c", READ_EACH, str(home)], check=True, timeout=200)
    files = {name: home / name / "told" for name in SPECS}
    return {name: file.read_text() if file.exists() else "" for name, file in files.items()}


@pytest.mark.parametrize("name", SPECS)
def test_it_is_refused_at_once(told: dict[str, str], name: str) -> None:
    assert told[name].startswith("refused: ")
    assert "spec.yaml" in told[name] or "rule" in told[name]
    assert len(told[name]) < 2_000


def test_a_folder_with_one_is_read_all_the_same(tmp_path: Path) -> None:
    """Deploying a folder looks into every YAML file, also into those that are none of ours."""
    (tmp_path / "good.yaml").write_text(GOOD.replace("model: m", "model: good"))
    for number, text in enumerate([*SPECS.values()][::5]):  # each may take a second
        (tmp_path / f"bad{number}.yaml").write_text(text)
    (tmp_path / "list.yaml").write_text("? [a, b]\n: c\n")

    specs, said = usable(find_specs(tmp_path))

    assert [each.name for each in specs if each.name == "good.yaml"] == ["good.yaml"]
    assert len(" ".join(said)) < 100_000


def test_anchors_and_merges_that_people_write_are_read(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(GOOD.replace("{window: 7d, every: 1d}", "&m {window: 14d, every: &day 1d}") + "triage: {}\n")

    assert load_spec(file).monitors.every.days == 1


@pytest.mark.parametrize("when", ["[1, 2].exists(x, [3, 4].all(y, x < y))", '(((triage == "harm")))'])
def test_conditions_that_people_write_are_read(tmp_path: Path, when: str) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(GOOD + f"policy:\n  - when: {when!r}\n    do: alert\n")

    check_rules(load_spec(file).deciding)


def test_of_thousands_of_faults_the_first_are_told_at_once(tmp_path: Path) -> None:
    """A near name is looked for in each; of 20,000 keys that would take minutes."""
    file = tmp_path / "spec.yaml"
    file.write_text(GOOD + "".join(f"learner{n}: 1\n" for n in range(20_000)))

    with pytest.raises(SpecError) as caught:
        load_spec(file)

    assert 2 < len(str(caught.value).splitlines()) < 50


def test_a_name_that_the_system_refuses_is_bad_input(tmp_path: Path) -> None:
    loop, bad = tmp_path / "loop.yaml", tmp_path / "bad.yaml"
    loop.symlink_to(loop)
    bad.symlink_to(tmp_path / ("n" * 300))

    for each in (loop, bad, loop / "spec.yaml", tmp_path / ("n" * 5_000), tmp_path / "a\0b"):
        with pytest.raises(SpecError, match="no such file"):
            load_spec(each)


def test_a_folder_with_what_never_ends_is_looked_through(tmp_path: Path) -> None:
    """A pipe that nobody writes to, a device without an end, links in a circle."""
    (tmp_path / "good.yaml").write_text(GOOD)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zeros.yaml").symlink_to("/dev/zero")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    (tmp_path / "below").symlink_to(tmp_path)

    assert [each.name for each in find_specs(tmp_path)] == ["good.yaml"]


@pytest.mark.parametrize("name", ["aliases of aliases", "deep lists", "a huge file", "a number of many digits"])
def test_a_file_of_rules_is_read_as_a_spec_is(tmp_path: Path, name: str) -> None:
    good, rules = tmp_path / "spec.yaml", tmp_path / "rules.yaml"
    good.write_text(GOOD)
    for content in (SPECS[name].encode(), b"policy: \xff\n", b"policy: []\npolicy: []\n"):
        rules.write_bytes(content)
        with pytest.raises(SpecError, match=r"rules\.yaml"):
            with_policy(load_spec(good), rules)


def test_one_mistake_is_one_line(tmp_path: Path) -> None:
    """Defaults that wait for a sound key are not told, and no word is a library's."""
    file = tmp_path / "spec.yaml"
    file.write_text(GOOD.replace("binary", "binry"))

    with pytest.raises(SpecError) as caught:
        load_spec(file)

    assert len(str(caught.value).splitlines()) == 1
    assert "Pydantic" not in str(caught.value)


def _numbers(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, list[object]]]:
    for name, field in model.model_fields.items():
        kinds = set(_all_in(field.annotation))
        if int in kinds and bool not in kinds:
            yield f"{path}{name}", field.metadata
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _numbers(kind, f"{path}{name}.")


def _all_in(annotation: object) -> Iterator[object]:
    yield annotation
    inside = typing.get_args(annotation)
    if any(isinstance(mark, BeforeValidator) for mark in inside):
        return
    for inner in inside:
        yield from _all_in(inner)


def test_every_whole_number_has_an_upper_bound() -> None:
    """But lengths and sizes, whose readers have one of their own, and the names of weekdays."""
    without = [
        name
        for name, marks in _numbers(Spec)
        if not any(isinstance(mark, annotated_types.Le | annotated_types.Lt) for mark in marks)
        and not any(isinstance(mark, BeforeValidator) for mark in marks)
    ]

    assert [name for name in without if not name.endswith(".days")] == []
