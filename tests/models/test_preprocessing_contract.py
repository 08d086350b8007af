"""Imputers that move by counts, encoders that meet new categories, and a state that knows its estimator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from ratoon.models.families import families
from ratoon.models.families.choose import trust_of
from ratoon.models.families.sklearn.partial_fit import SklearnPartial
from ratoon.models.learning.encoders import meet
from ratoon.models.learning.imputers import move_means, remember
from ratoon.spec.errors import ContractBroken

LEARNER = SklearnPartial(weights=True)


def model(last: Any = None, kinds: Any = None, strategy: str = "mean") -> Any:
    numbers = Pipeline([("fill", SimpleImputer(strategy=strategy)), ("scale", StandardScaler())])
    kinds = kinds or OneHotEncoder(handle_unknown="ignore")
    parts = [("numbers", numbers, ["a", "b"]), ("kinds", kinds, ["c"])]
    return Pipeline(
        [("prepare", ColumnTransformer(parts, sparse_threshold=0)), ("last", last or SGDClassifier(random_state=0))]
    )


def holed(rows: pd.DataFrame, share: float = 0.3) -> pd.DataFrame:
    empty = np.random.default_rng(len(rows)).uniform(size=len(rows)) < share
    return rows.assign(a=rows["a"].mask(empty))


def imputer_of(trained: Any) -> Any:
    return trained.estimator.named_steps["prepare"].named_transformers_["numbers"].named_steps["fill"]


@pytest.fixture
def setting(make_spec: Any, make_rows: Any) -> Any:
    spec = make_spec(task="binary", learner={"epochs": 2, "batch": 40})
    return spec, holed(make_rows(200)), holed(make_rows(100, start=200, shift=0.2))


def test_an_imputers_mean_is_the_mean_of_all_values_ever_seen(setting: Any) -> None:
    """Also after a reload: the count of values travels on the imputer, and a reader without Ratoon ignores it."""
    spec, old, new = setting
    champion = LEARNER.first(model(), old, spec)
    again = replace(
        champion, estimator=skops.io.loads(skops.io.dumps(champion.estimator), trusted=trust_of(None).types())
    )
    for trained in (champion, again):
        updated = LEARNER.update(trained, new, spec)
        expected = pd.concat([old, new])[["a", "b"]].mean()
        np.testing.assert_allclose(imputer_of(updated).statistics_, expected, rtol=1e-12)
        assert "prepare/numbers/fill" in updated.state.updated_steps
    np.testing.assert_allclose(imputer_of(champion).statistics_, old[["a", "b"]].mean(), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:Skipping features without any observed")
@given(
    st.lists(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=8), min_size=2, max_size=6),
    st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_the_running_mean_does_not_depend_on_the_cut(chunks: list[list[float | None]], keep: bool) -> None:
    """However the rows were cut, the statistic is that of one fit; a column empty at first keeps its place."""
    parts = [pd.DataFrame({"x": np.array(chunk, dtype=float), "y": 1.0}) for chunk in chunks]
    imputer = SimpleImputer(keep_empty_features=keep).fit(parts[0])
    width = imputer.transform(parts[0]).shape[1]
    remember(imputer, parts[0])
    for part in parts[1:]:
        move_means(imputer, part)
    assert imputer.transform(parts[0]).shape[1] == width
    values = pd.concat(parts)["x"]
    if parts[0]["x"].notna().any() or (keep and values.notna().any()):
        np.testing.assert_allclose(imputer.statistics_[0], values.mean(), atol=1e-6, rtol=1e-9)
    assert imputer.statistics_[1] == 1.0


@pytest.mark.parametrize("strategy", ["median", "most_frequent", "constant"])
def test_other_statistics_stay_frozen_and_say_why(strategy: str, setting: Any) -> None:
    spec, old, new = setting
    champion = LEARNER.first(model(strategy=strategy), old, spec)
    updated = LEARNER.update(champion, new, spec)
    np.testing.assert_array_equal(imputer_of(updated).statistics_, imputer_of(champion).statistics_)
    reason = updated.state.frozen_because["prepare/numbers/fill"]
    assert ("constant" if strategy == "constant" else f"its {strategy} cannot be moved") in reason


def test_an_imputer_of_unknown_counts_stays_frozen(setting: Any) -> None:
    """A model that Ratoon did not train: its means rest on an unknown number of values."""
    spec, old, new = setting
    champion = LEARNER.first(model(), old, spec)
    del imputer_of(champion).n_values_seen_
    updated = LEARNER.update(champion, new, spec)
    assert "is not known" in updated.state.frozen_because["prepare/numbers/fill"]


def test_new_categories_are_named_in_the_record(setting: Any) -> None:
    spec, old, new = setting
    champion = LEARNER.first(model(), old, spec)
    strange = new.assign(c=["moon", "moon", "mars", *new["c"].iloc[3:]])
    updated = LEARNER.update(champion, strange, spec)
    assert "prepare/kinds took as unknown in column 'c': 'mars' (1 row), 'moon' (2 rows)" in updated.state.notes
    assert "widen its output" in updated.state.frozen_because["prepare/kinds"]
    assert updated.state.vocabularies == {"c": ("x", "y", "z")}


@pytest.mark.parametrize(
    ("encoder", "softer"),
    [(OneHotEncoder(), "ignore"), (OrdinalEncoder(), "use_encoded_value")],
    ids=["onehot", "ordinal"],
)
def test_an_encoder_that_refuses_new_categories_breaks_the_contract_by_name(
    encoder: Any, softer: str, setting: Any
) -> None:
    spec, old, new = setting
    champion = LEARNER.first(model(kinds=encoder), old, spec)
    before = champion.predict_frame(old)
    with pytest.raises(ContractBroken) as error:
        LEARNER.update(champion, new.assign(c="moon"), spec)
    for words in ("'moon'", "column 'c'", "prepare/kinds", "known: x, y, z", "`scratch` strategy", repr(softer)):
        assert words in str(error.value)
    pd.testing.assert_frame_equal(champion.predict_frame(old), before)


def test_an_encoder_that_saw_no_names_tells_the_columns_place() -> None:
    known = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit([["a", 1], ["b", 2]])
    assert meet(known, np.array([["a", 3]], dtype=object), "codes") == [
        "codes took as unknown in column '1': '3' (1 row)"
    ]


def test_vocabularies_without_an_encoder_grow_with_the_rows(setting: Any) -> None:
    """A hasher has no vocabulary; what was learned is known all the same."""
    spec, old, new = setting
    hashed = Pipeline(
        [
            ("rows", FunctionTransformer(_as_words)),
            ("hash", FeatureHasher(8, input_type="string")),
        ]
    )
    champion = LEARNER.first(model(kinds=hashed), old, spec)
    updated = LEARNER.update(champion, new.assign(c="moon"), spec)
    assert champion.state.vocabularies == {"c": ("x", "y", "z")}
    assert updated.state.vocabularies == {"c": ("moon", "x", "y", "z")}
    wide = LEARNER.update(champion, pd.concat([new] * 11).assign(_id=_many(1100), c=_many(1100)), spec)
    assert wide.state.vocabularies == {}


def _as_words(X: Any) -> Any:
    return [[str(each)] for each in X["c"]]


def _many(n: int) -> list[str]:
    return [f"k{i}" for i in range(n)]


def test_the_state_outlines_the_estimator(setting: Any) -> None:
    spec, old, new = setting
    last = MLPClassifier((4,), max_iter=5, n_iter_no_change=50, random_state=0)
    champion = LEARNER.first(model(last), old, spec)
    updated = LEARNER.update(champion, new, spec)
    assert champion.state.preprocessing == (
        "prepare/numbers/fill: SimpleImputer",
        "prepare/numbers/scale: StandardScaler",
        "prepare/kinds: OneHotEncoder",
        "last: MLPClassifier",
    )
    assert (champion.state.optimiser, updated.state.optimiser) == ("adam, t=5", "adam, t=10")
    assert (champion.state.replay_rows, updated.state.replay_rows) == (200, 300)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("steps", "the steps were prepare/numbers/scale: StandardScaler, the estimator holds none other"),
        ("optimiser", "the optimiser was 'sgd (optimal), t=1', the estimator's is 'sgd"),
        ("vocabulary", "feature 'c': the encoder lacks ['moon'] and has [] beside the state's categories"),
        ("reservoir", "the replay reservoir held 200 rows, 0 are here"),
    ],
)
def test_a_state_of_another_estimator_is_refused_with_the_difference(part: str, words: str, setting: Any) -> None:
    spec, old, new = setting
    champion = LEARNER.first(model(), old, spec)
    state = champion.state
    if part == "steps":
        champion.estimator.named_steps["prepare"].named_transformers_["numbers"].steps.pop()
    changed = {
        "steps": {},
        "optimiser": {"optimiser": "sgd (optimal), t=1"},
        "vocabulary": {"vocabularies": {"c": (*state.vocabularies["c"], "moon")}},
        "reservoir": {},
    }[part]
    other = replace(champion, state=state.model_copy(update=changed))
    if part == "reservoir":
        other = replace(other, reservoir=None)
    with pytest.raises(ContractBroken) as error:
        LEARNER.update(other, new, spec)
    assert words in str(error.value) and "`scratch` strategy" in str(error.value)


def test_replayed_rows_move_no_statistics(setting: Any) -> None:
    """They were counted when they were new."""
    from ratoon.models.learning.how import How

    spec, old, new = setting
    champion = LEARNER.first(model(), old, spec)
    warm, replayed = (
        LEARNER.update(champion, new, spec, how) for how in (How(), How("warm_replay", champion.reservoir.head(100)))
    )
    np.testing.assert_array_equal(imputer_of(warm).statistics_, imputer_of(replayed).statistics_)
    assert (replayed.state.learned_rows, replayed.state.fingerprint) == (300, warm.state.fingerprint)
    assert "100 rows learned before were mixed in" in replayed.state.notes


@pytest.mark.parametrize(
    ("family", "library", "stops"),
    [
        ("sklearn", "lightgbm", False),
        ("sklearn", "scikit-learn", True),
        ("lightgbm", "xgboost", False),
        ("lightgbm", "lightgbm", True),
        ("xgboost", "scikit-learn", True),
        ("river", "scikit-learn", False),
        ("averages", "scikit-learn", True),  # a learner of the user's own: nobody knows what it uses
    ],
)
def test_only_a_library_that_the_family_uses_stops_it(
    make_spec: Any, make_rows: Any, family: str, library: str, stops: bool
) -> None:
    champion = LEARNER.first(SGDClassifier(), make_rows(60).drop(columns="c"), make_spec())
    state = champion.state.model_copy(update={"versions": {library: "0.1.0"}})
    libraries = next((each.libraries for each in families() if each.name == family), None)
    if stops:
        with pytest.raises(ContractBroken, match=f"learned with {library} 0.1.0"):
            state.check_versions(libraries)
    else:
        state.check_versions(libraries)
