"""The pip requirements of a registered model: what is installed here, pinned; no search in a subprocess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..families.choose import requirements_of


def pins(estimator: object, extra: Iterable[str] = ()) -> list[str]:
    """`name==version` of every library that serving *estimator* needs, then `learner.requirements`."""
    return [*requirements_of(estimator).values(), *extra]


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
