"""Keys of the spec and of what is stored that have another name now: the former ones work, and say so once."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from ratoon.backtest.policies import with_policy
from ratoon.cli.commands.check import check_spec
from ratoon.models.ladder.attempt import Attempt
from ratoon.spec.errors import SpecError
from ratoon.spec.former_keys import FormerKey
from ratoon.spec.keys.rules import Policy, Rule
from ratoon.spec.load import line_of, load_spec
from ratoon.spec.model import Spec
from ratoon.spec.run_record import RunRecord
from ratoon.spec.values import Marks

NOW = """\
model: price
task: binary
data: {source: data.csv, id: i, time: t, target: y}
learner:
  build: training.py:build
  strategies: [warm, scratch]
  ladder: all
monitors: {window: 7d, every: 1d}
policy:
  - {when: "true", do: warm_start, strategies: [warm]}
"""
FORMER = NOW.replace("strategies:", "rungs:").replace("ladder:", "race:")
BASIS = {"when": "true", "do": "warm_start"}


def write(folder: Path, text: str) -> Path:
    file = folder / "spec.yaml"
    file.write_text(text)
    return file


def read_with_warnings(file: Path) -> tuple[Spec, list[str]]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        spec = load_spec(file)
    assert {each.category for each in told} <= {FormerKey}
    return spec, [str(each.message) for each in told]


def test_each_former_key_is_read_and_told_with_file_line_and_present_name(tmp_path: Path) -> None:
    former, told = read_with_warnings(write(tmp_path, FORMER))
    present, nothing = read_with_warnings(write(tmp_path, NOW))
    assert (former, former.policy_version) == (present, present.policy_version)
    assert nothing == []
    assert [each.partition(" now;")[0] for each in sorted(told)] == [
        "spec.yaml:10: `policy[0].rungs` is called `policy[0].strategies`",
        "spec.yaml:6: `learner.rungs` is called `learner.strategies`",
        "spec.yaml:7: `learner.race` is called `learner.ladder`",
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (FORMER.replace("rungs: [warm, scratch]", "rungs: [warm, cold]"), "spec.yaml:6: learner.strategies[1]"),
        (FORMER.replace("race: all", "race: both"), "spec.yaml:7: learner.ladder"),
    ],
)
def test_a_fault_under_a_former_key_is_found_at_its_line(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(SpecError) as refused:
        load_spec(write(tmp_path, text))
    assert where in str(refused.value)


def test_a_key_under_both_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="`race` is the former name of `ladder`"):
        load_spec(write(tmp_path, NOW.replace("  ladder: all", "  ladder: all\n  race: all")))


def test_a_line_is_found_by_the_present_name(tmp_path: Path) -> None:
    assert line_of(write(tmp_path, FORMER), "learner", "ladder") == 7


def test_a_policy_file_may_hold_former_keys(tmp_path: Path) -> None:
    spec = load_spec(write(tmp_path, NOW))
    (tmp_path / "other.yaml").write_text('- {when: "true", do: warm_start, rungs: [scratch]}\n')
    with pytest.warns(FormerKey, match=r"other.yaml:1: `policy\[0\].rungs`"):
        assert with_policy(spec, tmp_path / "other.yaml").policy[0].strategies == ("scratch",)


def test_check_finds_former_keys(tmp_path: Path) -> None:
    spec, _ = read_with_warnings(write(tmp_path, FORMER))
    found = [each.text for each in check_spec(spec) if each.status == "warn"]
    assert len([text for text in found if "is called" in text]) == 3


def test_hashes_of_rules_and_policies_are_those_of_0_1() -> None:
    """Ledgers hold them; the figures were made by 0.1's names."""
    rule = Rule.model_validate({**BASIS, "strategies": ["warm"]})
    assert rule == Rule.model_validate({**BASIS, "rungs": ["warm"]})
    assert rule.content_hash == "a666a62c"
    assert Policy.model_validate({"rules": [rule], "metric": "mae", "every": "1h"}).version == "b6d75aec68da"


def test_what_is_stored_under_former_names_is_read_and_written_under_the_present_ones() -> None:
    record = RunRecord.model_validate({"attempts": [{"rung": "warm", "rows": 3}]})
    assert record.attempts[0].strategy == "warm"
    assert "rung" not in record.model_dump_json()
    marks = Marks.model_validate({"flights": 3, "running": [2]})
    assert marks == Marks(training_runs=3, running=(2,))
    assert "flights" not in marks.model_dump_json()
    assert Attempt.model_validate({"rung": "scratch"}).strategy == "scratch"


def test_former_attributes_warn() -> None:
    rule = Rule.model_validate({**BASIS, "strategies": ["warm"]})
    with pytest.warns(DeprecationWarning, match=r"Rule\.rungs is strategies now"):
        assert rule.rungs == ("warm",)
