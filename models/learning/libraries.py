"""Libraries whose minor releases may change how a fit goes on: what of them is installed here."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version

BASE = ("scikit-learn", "numpy", "pandas", "scipy", "skops")
SERVING = frozenset({"numpy", "pandas", "scipy", "skops"})  # of BASE: their minors do not change how a fit goes on


def installed(libraries: Iterable[str] = ()) -> dict[str, str]:
    """The installed version of each of BASE and *libraries*; what is not installed is left out."""
    found = {}
    for name in dict.fromkeys((*BASE, *libraries)):
        known = _version(name)
        if known is not None:
            found[name] = known
    return found


@cache  # read from package metadata: ten milliseconds for all, which every update would pay
def _version(library: str) -> str | None:
    distribution = distribution_of(library)
    return None if distribution is None else version(distribution)


@cache
def distribution_of(library: str) -> str | None:
    """The name under which *library* is installed, None if it is not.

    Some have a second one, for a build that leaves out the GPU's libraries: `xgboost-cpu`.
    """
    for name in (library, f"{library}-cpu"):
        with suppress(PackageNotFoundError):
            version(name)
            return name
    return None
