"""scikit-learn's estimators: what learns on by partial_fit, clusterings, and what fits from scratch only."""

from __future__ import annotations

from collections.abc import Mapping

from ....spec.model import Spec
from ...learning.learner import Learner
from ...learning.libraries import BASE
from ..family import BY_PARTIAL_FIT, LABELLED, Family
from ..skops_format import SkopsFormat
from .clusters import clusters_of
from .foreign import sklearn
from .libraries import LIBRARIES
from .partial_fit import SklearnPartial
from .reviewed import REVIEWED
from .scratch_only import ScratchOnly
from .warm_start_routes import refuse_without_target, why_scratch_only


def _matches(last: object) -> bool:
    return hasattr(last, "fit") and hasattr(last, "predict")


def _learner(last: object, spec: Spec) -> Learner:
    if spec.task == "clustering":
        return clusters_of(last, spec)
    refuse_without_target(last, spec)
    if hasattr(last, "partial_fit"):
        return SklearnPartial.of(last, spec)
    return ScratchOnly(reason=why_scratch_only(last))


def _unused_keys(last: object) -> Mapping[str, str]:
    """Of what learns on by partial_fit, `rates.why_no_rate` says which have no rate."""
    if hasattr(last, "partial_fit"):
        return {}
    passes = "it makes no passes that could be ended"
    scratch = f"{BY_PARTIAL_FIT}; it does not continue, it only learns from scratch"
    return {"patience": passes, "rate": scratch, "weights": scratch}


FAMILY = Family(
    name="sklearn",
    libraries=LIBRARIES,
    modules=("sklearn",),
    described="an estimator with fit and predict",
    matches=_matches,
    learner=_learner,
    saved_as=SkopsFormat(),
    requirements=BASE,
    foreign={"sklearn": sklearn},
    reviewed_types=REVIEWED,
    unused_keys=_unused_keys,
    tasks=LABELLED | {"clustering"},
)
