"""The pip requirements of a registered model: what is installed here, pinned; no search in a subprocess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from ..families.boosting.lightgbm_engine import is_lightgbm
from ..families.boosting.xgboost_engine import is_xgboost
from ..families.river.model import RiverModel
from ..families.torch.model import TorchModel
from ..learning.state import library_versions
from ..learning.steps import innermost


def pins(estimator: object, extra: Iterable[str] = ()) -> list[str]:
    """`name==version` of every library that serving *estimator* needs, then `learner.requirements`."""
    needed = ["scikit-learn", "numpy", "pandas", "scipy", "skops"]
    if isinstance(estimator, RiverModel):
        needed = ["river", "numpy", "pandas"]
    elif isinstance(estimator, TorchModel):
        needed = ["torch", "numpy", "pandas"]
    if is_lightgbm(innermost(estimator)):
        needed.append("lightgbm")
    if is_xgboost(innermost(estimator)):
        needed.append("xgboost")
    installed = library_versions()
    # PyTorch's version may carry a build's name, such as 2.13.0+cpu, which an index need not have.
    pinned = {name: f"{name}=={installed[name].split('+')[0]}" for name in needed if name in installed}
    if "xgboost" in pinned and not _distributed("xgboost"):
        pinned["xgboost"] = f"xgboost-cpu=={installed['xgboost']}"
    return [*pinned.values(), *extra]


def _distributed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


@contextmanager
def checked_by_name() -> Iterator[None]:
    """While this lasts, MLflow holds requirements against what is installed by the packages' names alone.

    It would map modules to packages before, for which it reads the file list of every package that is installed: two
    CPU seconds of each process that registers a version, where the learning itself often takes less. The map serves
    packages without metadata only. Another MLflow, without the function of that name, does as it likes.
    """
    from mlflow.utils import requirements_utils as of_mlflow

    mapped = getattr(of_mlflow, "_init_packages_to_modules_map", None)
    if mapped is None or of_mlflow._PACKAGES_TO_MODULES is not None:
        yield
        return
    of_mlflow._PACKAGES_TO_MODULES = {}  # type: ignore[assignment]  # typed as None, which is where it begins
    of_mlflow._init_packages_to_modules_map = lambda: None
    try:
        yield
    finally:
        of_mlflow._PACKAGES_TO_MODULES, of_mlflow._init_packages_to_modules_map = None, mapped
