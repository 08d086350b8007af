"""What scikit-learn's `warm_start=True` is worth on new rows, estimator by estimator, and which way to take instead.

`warm_start` means "begin the next `fit` from the last solution". On new rows alone that keeps what was learned only
where old parts of the model are left standing (forests). Tried on each of them with scikit-learn 1.9.1: fitted on rows
of one world, then with `warm_start` on rows of another only, and judged on the first world. A solver that runs to its
optimum ends where a cold fit on the new rows ends (predictions equal within 7e-4): a place to start is no memory.
tests/models/test_warm_start_routes.py repeats it, and holds that no estimator with `warm_start` is missing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sklearn.utils import get_tags

from ....spec.errors import SpecError
from ....spec.model import Spec

Means = Literal["partial_fit", "start", "adds", "same_data", "no_target"]


@dataclass(frozen=True)
class Route:
    """*means*: what `warm_start` does on new rows. *reason*: in words. *instead*: what does continue."""

    means: Means
    reason: str
    instead: str


def _start(instead: str) -> Route:
    reason = "its solver runs to the optimum of the rows it is given, so that warm_start forgets all earlier rows"
    return Route("start", reason, instead)


_PARTIAL = Route("partial_fit", "partial_fit continues, warm_start begins its optimiser anew", "its own partial_fit")
_FOREST = Route(
    "adds",
    "warm_start only adds trees of the new rows, the old trees never change",
    "LightGBM, whose later trees correct the earlier ones,",
)
_BAGGING = Route(
    "adds",
    "warm_start only adds members fitted to the new rows, the old ones never change",
    "an estimator with partial_fit",
)
_BOOSTING = Route(
    "same_data",
    "warm_start is valid on the same rows only: new ones are binned and centred anew, other classes are not noticed",
    "LightGBM or XGBoost, which continue boosting",
)
_SGD_LOG, _SGD = "SGDClassifier(loss='log_loss')", "SGDRegressor"
_NO_TARGET = Route("no_target", "it learns without a target", "an estimator that predicts data.target")

ROUTES: dict[str, Route] = {
    **dict.fromkeys(
        (
            "MLPClassifier",
            "MLPRegressor",
            "PassiveAggressiveClassifier",
            "PassiveAggressiveRegressor",
            "Perceptron",
            "SGDClassifier",
            "SGDRegressor",
        ),
        _PARTIAL,
    ),
    "LogisticRegression": _start(_SGD_LOG),
    "ElasticNet": _start(f"{_SGD}(penalty='elasticnet')"),
    "Lasso": _start(f"{_SGD}(penalty='l1')"),
    "MultiTaskElasticNet": _start(f"{_SGD}(penalty='elasticnet'), one target at a time"),
    "MultiTaskLasso": _start(f"{_SGD}(penalty='l1'), one target at a time"),
    "HuberRegressor": _start(f"{_SGD}(loss='huber')"),
    "PoissonRegressor": _start(f"MLPRegressor(loss='poisson'), or {_SGD} of the logarithm"),
    "GammaRegressor": _start(f"{_SGD} of the logarithm, in a TransformedTargetRegressor"),
    "TweedieRegressor": _start(f"{_SGD} of the logarithm, in a TransformedTargetRegressor"),
    "GaussianProcessClassifier": Route(
        "start", "warm_start keeps the kernel's parameters and none of the rows", _SGD_LOG + " behind a Nystroem step"
    ),
    **dict.fromkeys(
        ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"), _FOREST
    ),
    **dict.fromkeys(("BaggingClassifier", "BaggingRegressor"), _BAGGING),
    **dict.fromkeys(
        (
            "GradientBoostingClassifier",
            "GradientBoostingRegressor",
            "HistGradientBoostingClassifier",
            "HistGradientBoostingRegressor",
        ),
        _BOOSTING,
    ),
    **dict.fromkeys(
        (
            "BayesianGaussianMixture",
            "GaussianMixture",
            "IsolationForest",
            "NeighborhoodComponentsAnalysis",
            "RandomTreesEmbedding",
            "SGDOneClassSVM",
        ),
        _NO_TARGET,
    ),
}


def why_scratch_only(last: object) -> str:
    """Why the predicting estimator *last*, which has no partial_fit, cannot continue, and what can."""
    name = type(last).__name__
    reason = f"{name} has no partial_fit, so it cannot continue on new rows"
    route = ROUTES.get(name) if type(last).__module__.startswith("sklearn.") else None
    if route is _PARTIAL:  # a network with solver='lbfgs'
        return f"{reason} with solver {getattr(last, 'solver', None)!r}; solver 'adam' or 'sgd' can"
    if route is None:
        return reason
    return f"{reason} ({route.reason}); {route.instead} can"


def _or_clustering(kind: str) -> str:
    return ", or set `task: clustering`, which takes MiniBatchKMeans and no target" if kind == "clusterer" else ""


def refuse_without_target(last: object, spec: Spec) -> None:
    """SpecError where scikit-learn's *last* does not predict one target: clusterings, outlier detectors, several."""
    if not any(cls.__module__.startswith("sklearn.") for cls in type(last).__mro__) or not hasattr(last, "fit"):
        return
    tags = get_tags(last)
    name = type(last).__name__
    if tags.estimator_type is not None and tags.estimator_type not in ("classifier", "regressor"):
        kind = {"clusterer": "a clusterer", "outlier_detector": "an outlier detector"}.get(
            tags.estimator_type, f"a {tags.estimator_type.replace('_', ' ')}"
        )
        raise SpecError(
            f"{spec.path}: learner.build: {spec.learner.build!r} predicts with {name}, {kind}: it learns without a "
            f"target, and task {spec.task!r} needs one (data.target {spec.data.target!r}). Use it as a step in front "
            f"of a classifier or regressor, where it stays frozen{_or_clustering(tags.estimator_type)}. Nothing was "
            "changed"
        )
    if not tags.target_tags.single_output:
        raise SpecError(
            f"{spec.path}: learner.build: {spec.learner.build!r} predicts with {name}, which takes several targets at "
            f"once; Ratoon cares for one (data.target {spec.data.target!r}). Build its inner estimator alone, in one "
            "spec for each target. Nothing was changed"
        )
