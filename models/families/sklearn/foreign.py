"""scikit-learn's estimators and those of other libraries with its face, as MLflow's sklearn flavour logs them."""

from __future__ import annotations

from ....spec.model import Spec
from ..foreign import Foreign
from ..original import OriginalEstimator
from ..skops_format import estimator_in
from ..trust import Trust


def sklearn(foreign: Foreign, spec: Spec, trust: Trust) -> OriginalEstimator:
    """The estimator of MLflow's sklearn flavour."""
    return OriginalEstimator(estimator_in(foreign, foreign.about["flavors"]["sklearn"], spec, trust))
