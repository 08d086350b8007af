"""Keys of the spec that change updates, and the families that have no use for them: refused, not passed over."""

from __future__ import annotations

from typing import Any

from ...spec.errors import SpecError
from ...spec.model import Spec

_INSTEAD = {
    "river": "a River model has its own, set in the build function",
    "torch": "its optimiser has its own, set in the build function",
    "lightgbm": "boosted trees have their own, set in the build function",
    "xgboost": "boosted trees have their own, set in the build function",
}


def refuse_unused(family: str, last: Any, spec: Spec) -> None:
    """SpecError where the spec sets `rate` or `weights`, which only updates by scikit-learn's `partial_fit` follow,
    or `patience` where an update makes neither passes nor rounds.

    *family*: of the predicting estimator *last*.
    """
    if family == "sklearn" and hasattr(last, "partial_fit"):
        return  # which of them have a rate: rates.why_no_rate
    name = type(last[0] if isinstance(last, tuple) else last).__name__
    if spec.learner.patience is not None and family not in ("lightgbm", "xgboost", "torch"):
        why = "River learns each row once" if family == "river" else "it makes no passes that could be ended"
        raise SpecError(
            f"{spec.path}: learner.patience: {spec.learner.patience} has no meaning for {name} (family {family}): "
            f"{why}. Leave the key out. Nothing was changed"
        )
    rate = _INSTEAD.get(family, "it does not continue, it only learns from scratch")
    weights = "class weights belong into the build function" if family in _INSTEAD else rate
    for key, found, used, instead in (
        ("rate", f"{spec.learner.rate:g}", spec.learner.rate != 1.0, rate),
        ("weights", repr(spec.learner.weights), spec.learner.weights != "none", weights),
    ):
        if used:
            raise SpecError(
                f"{spec.path}: learner.{key}: {found} has no meaning for {name} (family {family}): only updates by "
                f"scikit-learn's partial_fit follow it; {instead}. Leave the key out. Nothing was changed"
            )
