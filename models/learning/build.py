"""Load the user's build function from `file.py:function`, and seed what it returns."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import TypeVar

from ...spec.errors import SpecError
from ...spec.model import Spec
from ...spec.unexpected import users_code, worded
from ...spec.user_code import named_file
from ..estimators import Parametrized
from ..subprocesses.user_files import load_file

T = TypeVar("T")


@dataclass(frozen=True)
class Building:
    """How models of a library are built alike by equal seeds, if building itself draws numbers from it.

    *module*: the library's, as it is imported. *seeded*: a block in which its stream of numbers begins at a seed.
    """

    module: str
    seeded: Callable[[int], AbstractContextManager[None]]


def build(spec: Spec, buildings: Iterable[Building] = ()) -> object:
    """What `learner.build` returns, seeded from `seed` wherever it is not seeded yet.

    Raises SpecError if the file or function is missing or fails. `families.choose.build` also says whether it is an
    estimator that can be learned.
    """
    function = spec.learner.build.rpartition(":")[2]
    where = f"{spec.path}: learner.build: {spec.learner.build!r}"
    path = named_file(spec.learner.build, spec.folder, where)
    module = load_file(path, where)
    maker = getattr(module, function, None)
    if not callable(maker):
        found = [n for n, value in vars(module).items() if inspect.isfunction(value) and not n.startswith("_")]
        raise SpecError(
            f"{where}: {path.name} has no function {function!r}; found {', '.join(found) or 'none'}. "
            "Nothing was changed"
        )
    try:
        with users_code():
            estimator = _made(maker, spec.seed, tuple(buildings))
    except Exception as error:
        raise SpecError(f"{where}: {function}() raised {worded(error)} Nothing was changed") from error
    if isinstance(estimator, type):
        raise SpecError(
            f"{where}: {function}() returned {describe(estimator)}; expected an estimator. Nothing was changed"
        )
    return _within(spec.learner.threads, seeded(estimator, spec.seed))


def _within(threads: int, estimator: T) -> T:
    """*estimator* with every `n_jobs` of it set to *threads*: processes of its own would escape limit and count."""
    if isinstance(estimator, Parametrized):
        named = [key for key in estimator.get_params(deep=True) if key.split("__")[-1] == "n_jobs"]
        estimator.set_params(**dict.fromkeys(named, threads))
    return estimator


def _made(maker: Callable[[], object], seed: int, buildings: tuple[Building, ...]) -> object:
    """What *maker* returns, made again if it was *maker* that imported a library whose stream must be seeded."""
    loaded = [each for each in buildings if each.module in sys.modules]
    with ExitStack() as seeds:
        for each in loaded:
            seeds.enter_context(each.seeded(seed))
        found = maker()
    if any(each.module in sys.modules for each in buildings if each not in loaded):
        return _made(maker, seed, buildings)
    return found


def seeded(estimator: T, seed: int) -> T:
    """*estimator* with every `random_state` that is None, nested steps included, set to *seed*."""
    if isinstance(estimator, Parametrized):
        unset = {
            key: seed
            for key, value in estimator.get_params(deep=True).items()
            if key.split("__")[-1] == "random_state" and value is None
        }
        estimator.set_params(**unset)
    return estimator


def describe(value: object) -> str:
    """*value* in words, for a message."""
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
