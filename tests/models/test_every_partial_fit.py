"""Every scikit-learn estimator with `partial_fit` either continues as a learner must, or is refused by name."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.base import clone, is_classifier
from sklearn.cluster import Birch, MiniBatchKMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
from sklearn.utils import all_estimators

from ratoon.models.families.choose import learner_for
from ratoon.models.families.sklearn.partial_fit import SklearnPartial
from ratoon.models.learning.how import How
from ratoon.spec.errors import ContractBroken, SpecError

WITH_PARTIAL_FIT = {name: kind for name, kind in all_estimators() if hasattr(kind, "partial_fit")}
REFUSED = {
    "Birch": "a clusterer",
    "MiniBatchKMeans": "a clusterer",
    "SGDOneClassSVM": "an outlier detector",
    "MultiOutputClassifier": "several targets at once",
    "MultiOutputRegressor": "several targets at once",
}
STEPS_ONLY = {
    "BernoulliRBM",
    "HashingVectorizer",
    "IncrementalPCA",
    "LatentDirichletAllocation",
    "MaxAbsScaler",
    "MiniBatchDictionaryLearning",
    "MiniBatchNMF",
    "MinMaxScaler",
    "SelectFromModel",
    "StandardScaler",
}
PREDICTING = sorted(set(WITH_PARTIAL_FIT) - set(REFUSED) - STEPS_ONLY)
COUNTED = ("CategoricalNB", "ComplementNB", "MultinomialNB")  # these take no negative numbers

pytestmark = pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")


def estimator(name: str) -> Any:
    """*name*, seeded, with what it needs in front of it."""
    kind = WITH_PARTIAL_FIT[name]
    if "estimator" in inspect.signature(kind.__init__).parameters:
        return kind(SGDRegressor() if name.endswith("Regressor") else SGDClassifier(random_state=0))
    last = kind(random_state=0) if "random_state" in inspect.signature(kind.__init__).parameters else kind()
    if name.startswith("MLP"):
        last.set_params(hidden_layer_sizes=(6,), max_iter=20, n_iter_no_change=100)
    if name == "CategoricalNB":
        bins = KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf")
        return Pipeline([("bins", bins), ("last", last)])
    return Pipeline([("scale", MinMaxScaler(clip=True)), ("last", last)]) if name in COUNTED else last


def setting(name: str, make_spec: Any, make_rows: Any, task: str | None = None, **options: Any) -> Any:
    built = estimator(name)
    task = task or ("binary" if is_classifier(built) else "regression")
    spec = make_spec(task=task, learner={"epochs": 2, "batch": 32, **options})
    old, new = make_rows(200, task), make_rows(80, task, start=200, shift=0.5)
    old, new = old.drop(columns="c"), new.drop(columns="c")
    learner = learner_for(built, spec)
    return spec, learner, learner.first(built, old, spec), new


def test_none_is_forgotten() -> None:
    """A release of scikit-learn that brings another one makes this fail."""
    assert {*PREDICTING, *REFUSED, *STEPS_ONLY} == set(WITH_PARTIAL_FIT)
    assert {name for name in STEPS_ONLY if hasattr(WITH_PARTIAL_FIT[name], "predict")} == set()


@pytest.mark.parametrize("name", PREDICTING)
def test_each_that_predicts_a_target_continues(name: str, make_spec: Any, make_rows: Any) -> None:
    """It learns, leaves the champion as it was, and does the same again, also after a reload."""
    spec, learner, champion, new = setting(name, make_spec, make_rows)
    before, content = champion.predict_frame(new), skops.io.dumps(champion.estimator)
    once, again = learner.update(champion, new, spec), learner.update(champion, new, spec)

    np.testing.assert_array_equal(champion.predict_frame(new)["_score"], before["_score"])
    assert len(skops.io.dumps(champion.estimator)) == len(content)
    np.testing.assert_array_equal(once.predict_frame(new)["_score"], again.predict_frame(new)["_score"])
    assert not np.array_equal(once.predict_frame(new)["_score"], before["_score"])
    assert once.state == again.state and once.state.learned_rows == 280

    later = new.assign(_label_time=new["_label_time"] + np.timedelta64(9, "D"), _id="later" + new["_id"])
    assert learner.update(once, later, spec).state.updates == 2


@pytest.mark.parametrize("name", [n for n in PREDICTING if not n.endswith("Regressor")])
def test_each_classifier_continues_with_several_classes_and_balanced(name: str, make_spec: Any, make_rows: Any) -> None:
    spec, learner, champion, new = setting(name, make_spec, make_rows, "multiclass", weights="balanced")
    one_class = new[new["_target"] == "mid"]
    updated = learner.update(champion, one_class, spec)
    assert updated.predict(new).classes == ("high", "low", "mid")


@pytest.mark.parametrize("name", REFUSED)
def test_the_others_are_refused_at_once_and_told_what_to_do(name: str, make_spec: Any) -> None:
    """Ratoon's tasks have one target; these learn without one, or several at once."""
    task = "binary" if name != "MultiOutputRegressor" else "regression"
    with pytest.raises(SpecError, match=REFUSED[name]) as error:
        learner_for(estimator(name), make_spec(task=task))
    assert name in str(error.value) and "Nothing was changed" in str(error.value)


@pytest.mark.parametrize(
    "clustering", [MiniBatchKMeans(4, random_state=0), Birch(n_clusters=3)], ids=["kmeans", "birch"]
)
def test_a_clustering_in_front_stays_frozen_with_its_reason(clustering: Any, make_spec: Any, make_rows: Any) -> None:
    """Distances to centres that move would mean something else to the weights behind them."""
    spec = make_spec(task="binary")
    both = FeatureUnion([("near", clone(clustering)), ("as_is", StandardScaler())])
    model = Pipeline([("both", both), ("last", SGDClassifier(random_state=0))])
    old, new = make_rows(200).drop(columns="c"), make_rows(80, start=200).drop(columns="c")
    champion = SklearnPartial().first(model, old, spec)
    state = SklearnPartial().update(champion, new, spec).state
    assert state.updated_steps == ("both/as_is", "SGDClassifier")
    assert state.frozen_because == {
        "both/near": "its axes, labels or chosen columns would turn under the model behind it"
    }


@pytest.mark.parametrize(
    ("wrapper", "inner"),
    [
        (OneVsRestClassifier, Perceptron(random_state=0)),
        (OneVsRestClassifier, BernoulliNB()),
        (OneVsOneClassifier, Perceptron(random_state=0)),
    ],
)
def test_one_against_the_rest_continues_behind_columns(
    wrapper: Any, inner: Any, make_spec: Any, make_rows: Any
) -> None:
    spec = make_spec(task="multiclass", learner={"epochs": 10})
    columns = ColumnTransformer([("scale", StandardScaler(), ["a", "b"])])
    model = Pipeline([("columns", columns), ("last", wrapper(clone(inner)))])
    learner = learner_for(model, spec)
    champion = learner.first(model, make_rows(200, "multiclass"), spec)
    updated = learner.update(champion, make_rows(80, "multiclass", start=200), spec)
    assert updated.state.epochs == (1 if isinstance(inner, BernoulliNB) else 10)
    assert updated.state.preprocessing == (
        "columns/scale: StandardScaler",
        f"last: {wrapper.__name__} of {type(inner).__name__}",
    )


def test_what_scikit_learn_cannot_continue_is_a_broken_contract(make_spec: Any, make_rows: Any) -> None:
    """OneVsOne makes its pairs' labels of the labels' own type, which naive Bayes does not take where they are text."""
    spec = make_spec(task="multiclass")
    model = OneVsOneClassifier(BernoulliNB())
    old, new = (make_rows(n, "multiclass", start=s).drop(columns="c") for n, s in ((200, 0), (80, 200)))
    champion = learner_for(model, spec).first(model, old, spec)
    with pytest.raises(ContractBroken, match="could not continue on 80 rows"):
        learner_for(model, spec).update(champion, new, spec)


def test_the_inner_estimator_of_a_turned_target_continues(make_spec: Any, make_rows: Any) -> None:
    spec = make_spec(task="regression", learner={"rate": 0.5, "epochs": 10})
    model = TransformedTargetRegressor(SGDRegressor(random_state=0), transformer=StandardScaler())
    old, new = (make_rows(n, "regression", start=s).drop(columns="c") for n, s in ((200, 0), (80, 200)))
    champion = learner_for(model, spec).first(model, old, spec)
    updated = learner_for(model, spec).update(champion, new, spec)
    steps = champion.estimator.regressor_.t_ + 10 * 80  # the schedule goes on, row by row and epoch by epoch
    assert updated.state.optimiser == f"sgd (invscaling), t={steps:.0f}"
    assert updated.estimator.regressor_.eta0 == champion.estimator.regressor_.eta0
    assert "0.5 times" in updated.state.notes[0]


def test_a_model_that_counts_has_no_replay(make_spec: Any, make_rows: Any) -> None:
    """Naive Bayes forgets nothing; rows replayed would be counted twice."""
    spec, learner, champion, new = setting("GaussianNB", make_spec, make_rows)
    assert learner.strategies == {"warm"}
    with pytest.raises(ContractBroken, match="count rows twice"):
        learner.update(champion, new, spec, How("warm_replay", champion.reservoir))
