"""The pip requirements of a registered model: what is installed here, pinned; no search in a subprocess."""

from __future__ import annotations

from collections.abc import Iterable

from .families.lightgbm_boost import is_lightgbm
from .state import library_versions
from .steps import innermost


def pins(estimator: object, extra: Iterable[str] = ()) -> list[str]:
    """`name==version` of every library that serving *estimator* needs, then `learner.requirements`."""
    needed = ["scikit-learn", "numpy", "pandas", "scipy", "skops"]
    if is_lightgbm(innermost(estimator)):
        needed.append("lightgbm")
    installed = library_versions()
    return [f"{name}=={installed[name]}" for name in needed if name in installed] + list(extra)
