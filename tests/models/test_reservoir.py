"""The replay reservoir: bounded, uniform, the same however rows came, and never a holdout row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratoon.models.families.choose import build, learner_for
from ratoon.models.families.sklearn.partial_fit import SklearnPartial
from ratoon.models.learning.how import How
from ratoon.models.learning.reservoir import beside, drawn, kept, sampled
from ratoon.spec.errors import Refused
from ratoon.spec.keys.learner import BlocksSpec, ReplaySpec

CLASSES = ["a", "a", "a", "a", "a", "a", "b", "b", "c"]


def rows(start: int, n: int, prefix: str = "r") -> pd.DataFrame:
    """*n* canonical rows, one an hour, of three classes in the shares 6 : 2 : 1."""
    at = pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(start, start + n), unit="h")
    return pd.DataFrame(
        {
            "_id": [f"{prefix}{i}" for i in range(start, start + n)],
            "_time": at,
            "_label_time": at,
            "_target": [CLASSES[i % len(CLASSES)] for i in range(start, start + n)],
            "_holdout": False,
            "x": np.arange(start, start + n, dtype=float),
        }
    )


def spec(most: int, stratify: str = "none", every: timedelta = timedelta(days=2), recent: int = 0) -> ReplaySpec:
    return ReplaySpec(rows=most, stratify=stratify, every=every, recent=recent)  # type: ignore[arg-type]


def along(cuts: list[int], replay: ReplaySpec) -> pd.DataFrame:
    """The reservoir after a lineage whose updates were *cuts* rows long."""
    reservoir, start = None, 0
    for n in cuts:
        reservoir, start = kept(reservoir, rows(start, n), replay), start + n
    assert reservoir is not None
    return reservoir


lineages = st.lists(st.integers(1, 60), min_size=1, max_size=8)


@given(lineages, st.integers(1, 80), st.sampled_from(["none", "class", "time"]))
@settings(max_examples=30, deadline=None)
def test_it_never_outgrows_its_bound_and_never_invents_rows(cuts: list[int], most: int, stratify: str) -> None:
    found = along(cuts, spec(most, stratify))
    assert len(found) == min(most, sum(cuts)) if stratify == "none" else len(found) <= most
    assert found["_id"].is_unique
    assert set(found["_id"]) <= {f"r{i}" for i in range(sum(cuts))}
    assert found["_label_time"].is_monotonic_increasing


@given(lineages, st.integers(1, 80), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_neither_cuts_nor_order_matter(cuts: list[int], most: int, random: Any) -> None:
    """Bottom-k: the same rows are kept in one update or in many, and whatever their order."""
    whole = rows(0, sum(cuts))
    once = kept(None, whole, spec(most))
    shuffled = kept(None, whole.sample(frac=1, random_state=random.randint(0, 9)), spec(most))
    pd.testing.assert_frame_equal(along(cuts, spec(most)), once)
    pd.testing.assert_frame_equal(shuffled, once)


def test_every_row_of_the_lineage_is_kept_as_often_as_any_other() -> None:
    """Over many sets of ids, each of 20 stretches of a lineage has its share: chi-squared, 19 degrees of freedom."""
    places = np.zeros(20)
    for trial in range(60):
        reservoir = None
        for start in (0, 100):
            reservoir = kept(reservoir, rows(start, 100, f"t{trial}-"), spec(50))
        assert reservoir is not None
        places += np.histogram(reservoir["x"], bins=20, range=(0, 200))[0]
    expected = places.sum() / 20
    assert places.sum() == 60 * 50
    assert ((places - expected) ** 2 / expected).sum() < 43.8  # the 0.1 % point


def test_a_rare_class_has_its_quota() -> None:
    """Even shares; what a small class leaves over goes to the others."""
    found = along([90, 90, 90, 90], spec(60, "class"))
    assert found["_target"].value_counts().to_dict() == {"a": 20, "b": 20, "c": 20}
    found = along([90], spec(60, "class"))
    assert found["_target"].value_counts().to_dict() == {"a": 30, "b": 20, "c": 10}


def test_an_old_stretch_has_its_quota() -> None:
    """However much came later, the first two days are still there."""
    found = along([48] * 6, spec(60, "time"))
    assert found["_label_time"].dt.floor("2D").value_counts().to_dict() == dict.fromkeys(
        pd.date_range("2026-01-01", periods=6, freq="2D"), 10
    )


@given(st.lists(st.integers(20, 60), min_size=2, max_size=6))
@settings(max_examples=10, deadline=None)
def test_by_class_too_the_cut_does_not_matter_while_no_class_shrinks_back(cuts: list[int]) -> None:
    """Quotas of classes that all overflow theirs are the same at every cut, so that bottom-k holds within each."""
    replay = spec(6, "class")
    pd.testing.assert_frame_equal(along(cuts, replay), kept(None, rows(0, sum(cuts)), replay))


def test_what_is_drawn_is_a_share_of_the_new_rows() -> None:
    reservoir = along([100], spec(50))
    assert len(drawn(reservoir, 10, ReplaySpec(ratio=2))) == 20
    assert len(drawn(reservoir, 10, ReplaySpec(ratio=0.5))) == 5
    assert len(drawn(reservoir, 1000, ReplaySpec(ratio=1))) == 50
    assert drawn(None, 10, ReplaySpec()).empty
    assert kept(None, rows(0, 9), ReplaySpec(rows=0)) is None


def test_successive_updates_draw_other_rows() -> None:
    """With the same rows each time, a reservoir of thousands would work like one of hundreds."""
    reservoir = along([400], spec(200))
    draws = [set(drawn(reservoir, 20, ReplaySpec(), turn=turn)["_id"]) for turn in range(30)]
    assert len(set.union(*draws)) > 180
    assert draws[3] == set(drawn(reservoir, 20, ReplaySpec(), turn=3)["_id"])


def test_what_is_drawn_keeps_the_strata() -> None:
    """A class that the reservoir holds an even share of has that share in every draw too."""
    reservoir = along([90, 90, 90, 90], spec(60, "class"))
    found = drawn(reservoir, 15, spec(60, "class"))
    assert found["_target"].value_counts().to_dict() == {"a": 5, "b": 5, "c": 5}


def test_a_holdout_row_never_enters_a_lineages_reservoir(make_spec: Any, make_rows: Any) -> None:
    """Neither by a first fit nor by an update: the learners refuse them before anything is kept."""
    model = make_spec("bayes_binary", learner={"replay": {"rows": 100}})
    from ratoon.models.families.choose import build

    old, new = make_rows(80), make_rows(40, start=80)
    learner = learner_for(build(model), model)
    champion = learner.first(build(model), old, model)
    with pytest.raises(Refused, match="holdout"):
        learner.update(champion, new.assign(_holdout=True), model)
    updated = learner.update(champion, new, model)
    assert champion.reservoir is not None and updated.reservoir is not None
    assert not champion.reservoir["_holdout"].any() and not updated.reservoir["_holdout"].any()
    assert set(updated.reservoir["_id"]) <= {*old["_id"], *new["_id"]}
    with pytest.raises(Refused, match="holdout"):
        from ratoon.models.learning.how import How

        sgd = make_spec("sgd_binary")
        other = SklearnPartial().first(build(sgd), old, sgd)
        SklearnPartial().update(other, new, sgd, How("warm_replay", make_rows(9, holdout=True)))


def test_with_fewer_rows_than_classes_no_class_is_left_out_for_ever() -> None:
    """Chance chooses, another one at each update; the rarest are drawn as well."""
    many = rows(0, 300).assign(_target=[f"c{i % 100}" for i in range(300)]).iloc[:-3]  # three classes are rarer
    turns = [drawn(many, 10, spec(300, "class"), turn=turn)["_target"] for turn in range(60)]
    assert all(len(each) == 10 and each.is_unique for each in turns)
    assert {"c97", "c98", "c99"} <= set(pd.concat(turns))


def test_a_column_that_is_younger_than_the_reservoir_is_no_reason_to_fail(make_spec: Any, make_rows: Any) -> None:
    """Such as `data.prediction`, named once predictions were kept."""
    told = make_spec("sgd_regression", "regression", learner={"weights": "none"})
    old, new = make_rows(200, "regression"), make_rows(100, "regression", start=200)
    learner = learner_for(build(told), told)
    champion = learner.first(build(told), old, told)
    served = new.assign(_prediction=0.5)
    assert champion.reservoir is not None and "_prediction" not in champion.reservoir
    how = How("warm_replay", drawn(champion.reservoir, 100, told.replayed))
    assert learner.update(champion, served, told, how).state.learned_rows == 300
    assert learner.update(champion, served, told).state.learned_rows == 300


@given(lineages, st.integers(1, 80), st.integers(0, 80), st.sampled_from(["none", "time"]))
@settings(max_examples=30, deadline=None)
def test_the_newest_rows_are_kept_beside_the_sample(cuts: list[int], most: int, recent: int, stratify: str) -> None:
    """All of them, and the sample is the one that would be kept without them."""
    n = sum(cuts)
    found = along(cuts, spec(most, stratify, recent=recent))
    newest = [f"r{i}" for i in range(max(0, n - recent), n)]
    assert set(newest) <= set(found["_id"])
    assert len(found) <= most + recent
    assert found["_id"].is_unique and found["_label_time"].is_monotonic_increasing
    if stratify == "none":
        alone = along(cuts, spec(most))
        assert set(found["_id"]) == {*alone["_id"], *newest}
        assert sampled(found, spec(most))["_id"].tolist() == alone["_id"].tolist()


def test_replay_draws_from_the_sample_not_from_the_newest() -> None:
    """Old rows are replayed against forgetting: the newest, which are many, must not crowd them out."""
    found = along([200] * 10, spec(100, recent=400))
    draws = pd.concat([drawn(found, 50, spec(100, recent=400), turn=turn) for turn in range(20)])
    assert (draws["x"] < 1600).mean() > 0.6


def test_a_block_learns_the_newest_rows_and_a_sample_of_all_others() -> None:
    """New rows count among the newest; each row comes once, in order of arrival."""
    replay, blocks = spec(300, recent=200), BlocksSpec(rows=250, recent=0.6)
    found = beside(along([200] * 10, replay), 60, replay, blocks, turn=1)
    assert len(found) == 250 - 60 and found["_id"].is_unique
    assert found["_label_time"].is_monotonic_increasing
    assert found["x"].tail(90).tolist() == list(range(1910, 2000))
    assert (found["x"].head(100) < 1910).all() and found["x"].head(100).min() < 400
    assert len(beside(along([200] * 10, replay), 1000, replay, blocks)) == 100
    assert beside(None, 10, replay, blocks).empty
    assert set(beside(along([200] * 10, replay), 60, replay, blocks, turn=2)["_id"]) != set(found["_id"])
