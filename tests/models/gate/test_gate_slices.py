"""Slices that the spec names must not be harmed, and one too small to judge does not pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ratoon.cli.commands.check import check_spec
from ratoon.cli.commands.init import write_starter
from ratoon.models.gate import Circumstances, judge
from ratoon.models.gate.slices import chosen
from ratoon.spec.errors import SpecError
from ratoon.spec.keys.gate import GateSpec, SliceSpec
from ratoon.spec.load import load_spec

RNG = np.random.default_rng(1)
TRUTH = RNG.normal(size=400)
NIGHT = np.where(np.arange(400) % 4 == 0, "night", "day")
HARMED = TRUTH + np.where(NIGHT == "night", 1.5, 0.1)  # much better by day, worse by night


def night(**more: Any) -> dict[str, Any]:
    return {"name": "night", "where": {"c": "night"}, "margin": 0.1, **more}


def test_a_slice_that_is_harmed_refuses_what_the_whole_would_let_through(verdict: Any, holdout: Any) -> None:
    rows = holdout(TRUTH, c=NIGHT)
    whole = verdict("mae", rows, TRUTH + 1, HARMED)
    sliced = verdict("mae", rows, TRUTH + 1, HARMED, slices=[night()])
    assert whole.passed
    assert not sliced.passed
    assert [(s.name, s.rows, s.verdict) for s in sliced.strata if s.name.endswith("night")] == [
        ("recent/night", 100, "refused")
    ]
    assert not sliced.promising, "the harm is shown: the next strategy is tried"


def test_a_slice_within_its_margin_passes(verdict: Any, holdout: Any) -> None:
    assert verdict("mae", holdout(TRUTH, c=NIGHT), TRUTH + 1, HARMED, slices=[night(margin=0.6)]).passed


def test_a_slice_too_small_to_judge_blocks_and_says_how_to_relax_it(verdict: Any, holdout: Any) -> None:
    rows, slices = holdout(TRUTH, c=NIGHT), [night(min_rows=101)]
    blocked = verdict("mae", rows, TRUTH + 1, TRUTH, slices=slices)
    assert not blocked.passed
    assert blocked.promising, "more rows may prove it, a dearer strategy would not"
    assert "100 holdout rows, at least 101 are needed" in blocked.text
    assert "if_small: report" in blocked.text
    assert verdict("mae", rows, TRUTH + 1, TRUTH, slices=[night(min_rows=101, if_small="report")]).passed
    assert verdict("mae", rows, TRUTH + 1, TRUTH, slices=[night(min_rows=100)]).passed


def test_a_harmed_slice_is_not_excused_by_if_small(verdict: Any, holdout: Any) -> None:
    rows = holdout(TRUTH, c=NIGHT)
    assert not verdict("mae", rows, TRUTH + 1, HARMED, slices=[night(if_small="report")]).passed


def test_an_empty_slice_is_unsure(verdict: Any, holdout: Any) -> None:
    result = verdict("mae", holdout(TRUTH), TRUTH + 1, TRUTH, slices=[night()])
    assert [s.verdict for s in result.strata] == ["passed", "absent", "unsure"]
    assert not result.passed


def test_a_slice_of_both_is_judged_in_each_stratum(told: Any, holdout: Any) -> None:
    rows = holdout(TRUTH, c=NIGHT)
    gate = GateSpec.model_validate({"slices": [night(of="both")], "resamples": 200})
    models = told(TRUTH + 1), told(TRUTH)
    result = judge(gate, "mae", *models, rows, rows, seed=0)
    young = judge(gate, "mae", *models, rows, rows.iloc[:0], seed=0, beside=Circumstances(older_rows=0))
    assert [s.name for s in result.strata] == ["recent", "anchor", "recent/night", "anchor/night"]
    assert result.passed
    assert young.strata[3].verdict == "absent", "an anchor that has no rows yet has no slices either"
    assert young.passed


def test_another_slice_does_not_move_the_first_ones_interval(verdict: Any, holdout: Any) -> None:
    rows = holdout(TRUTH, c=NIGHT)
    one = verdict("mae", rows, TRUTH + 1, HARMED, slices=[night()])
    two = verdict("mae", rows, TRUTH + 1, HARMED, slices=[{**night(), "name": "first"}, night()])
    assert one.strata[2] == two.strata[3]


def test_a_column_that_is_gone_from_the_rows_leaves_its_slice_unsure(verdict: Any, holdout: Any) -> None:
    """The champion and its slices outlive a change of schema; the retrain does not crash on it."""
    result = verdict("mae", holdout(TRUTH), TRUTH + 1, TRUTH, slices=[{**night(), "where": {"gone": 1}}])
    assert result.strata[2].verdict == "unsure"
    assert "no feature 'gone'" in result.text


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"b": 1}, [1]),
        ({"b": [0, 2]}, [0, 2]),
        ({"b": {"from": 1}}, [1, 2]),
        ({"b": {"to": 1}}, [0]),
        ({"b": {"from": 0, "to": 2}}, [0, 1]),
        ({"b": None}, [3]),
        ({"b": [None, 2]}, [2, 3]),
        ({"b": "1"}, [1]),
        ({"b": True}, [1]),
        ({"c": "p"}, [0, 1]),
        ({"c": None}, [3]),
        ({"c": ["p", None]}, [0, 1, 3]),
        ({"c": 7}, [2]),
        ({"b": {"from": 1}, "c": "p"}, [1]),
    ],
)
def test_where_chooses_by_value_list_range_or_null(holdout: Any, where: Any, rows: list[int]) -> None:
    frame = holdout(np.zeros(4), b=[0, 1, 2, np.nan], c=["p", "p", "7", None])
    spec = SliceSpec.model_validate({"name": "s", "where": where, "margin": 0})
    assert np.flatnonzero(chosen(spec, frame)).tolist() == rows


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function from slices to what `ratoon check` finds of them in the starter project."""
    folder = tmp_path_factory.mktemp("starter")
    write_starter(folder, "flights")
    text = yaml.safe_load((folder / "spec.yaml").read_text())

    def check(*slices: Any) -> list[Any]:
        text["gate"] = {**text.get("gate", {}), "slices": list(slices)}
        path: Path = folder / "sliced.yaml"
        path.write_text(yaml.safe_dump(text))
        return [f for f in check_spec(load_spec(path)) if f.what == "gate.slices"]

    return check


def test_check_names_the_nearest_feature(checked: Any) -> None:
    (found,) = checked({"name": "far", "where": {"distanse": {"from": 1000}}, "margin": 0.02})
    assert found.status == "fail"
    assert "gate.slices[0].where.distanse: no feature 'distanse'; did you mean 'distance'?" in found.text


def test_check_refuses_values_that_the_feature_cannot_have(checked: Any) -> None:
    found = checked(
        {"name": "far", "where": {"distance": "long"}, "margin": 0.02},
        {"name": "early", "where": {"carrier": {"to": 3}}, "margin": 0.02},
    )
    assert [f.status for f in found] == ["fail", "fail"]
    assert "found 'long', but 'distance' holds numbers" in found[0].text
    assert "'carrier' holds text" in found[1].text


def test_check_says_how_much_a_slice_holds(checked: Any) -> None:
    found = checked(
        {"name": "all", "where": {"distance": {"from": 0}}, "margin": 0.02},
        {"name": "none", "where": {"distance": {"from": 1e9}}, "margin": 0.02},
    )
    assert [f.status for f in found] == ["ok", "warn"]
    assert "all: 100.0% of" in found[0].text


@pytest.mark.parametrize(
    ("slices", "said"),
    [
        ([{"name": "a", "where": {}, "margin": 0}], "expected 1 or more"),
        ([{"name": "a", "where": {"x": []}, "margin": 0}], "empty list"),
        ([{"name": "a b", "where": {"x": 1}, "margin": 0}], 'found "a b"'),
        ([{"name": "a", "where": {"x": {"from": 2, "to": 1}}, "margin": 0}], "must be below"),
        ([{"name": "a", "where": {"x": 1}}], "required"),
        ([{"name": "a", "where": {"x": 1}, "margin": 0, "off": "both"}], "did you mean `of`"),
        ([{"name": "a", "where": {"x": 1}, "margin": 0}] * 2, "two slices are called 'a'"),
    ],
)
def test_a_slice_that_makes_no_sense_is_refused_when_the_spec_is_read(tmp_path: Path, slices: Any, said: str) -> None:
    write_starter(tmp_path, "flights")
    text = yaml.safe_load((tmp_path / "spec.yaml").read_text())
    text["gate"] = {"slices": slices}
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(text))
    with pytest.raises(SpecError, match=said):
        load_spec(path)
