"""Load the user's build function from `file.py:function`, and seed what it returns."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from ...spec.errors import SpecError
from ...spec.family import is_file, is_own
from ...spec.model import Spec
from ...spec.places import is_a_file, real
from ...spec.unexpected import users_code, worded

_CONTENT = "__ratoon_content__"
PRIVATE = "_ratoon_build_"  # prefix of the modules made here: their classes cannot be saved with a model


def build(spec: Spec) -> Any:
    """The unfitted estimator of `learner.build`, seeded from `seed` wherever it is not seeded yet.

    Raises SpecError where the file or function is missing, fails, or returns no estimator.
    """
    name, _, function = spec.learner.build.rpartition(":")
    path = real(spec.folder / name)
    where = f"{spec.path}: learner.build: {spec.learner.build!r}"
    if not is_a_file(path):
        raise SpecError(f"{where}: expected a Python file at {path}, found none; nothing was changed")
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
            estimator = _made(maker, spec.seed)
    except Exception as error:
        raise SpecError(f"{where}: {function}() raised {worded(error)} Nothing was changed") from error
    if isinstance(estimator, type) or not (is_own(spec.learner.family) or _can_learn(estimator)):
        raise SpecError(
            f"{where}: {function}() returned {_describe(estimator)}; expected an estimator with fit and predict, a "
            "River model, or a PyTorch module, alone or as (module, optimiser, scheduler). "
            "Nothing was changed"
        )
    return _within(spec.learner.threads, seeded(estimator, spec.seed))


def _within(threads: int, estimator: Any) -> Any:
    """*estimator* with every `n_jobs` of it set to *threads*: processes of its own would escape limit and count."""
    if hasattr(estimator, "get_params"):
        named = [key for key in estimator.get_params(deep=True) if key.split("__")[-1] == "n_jobs"]
        estimator.set_params(**dict.fromkeys(named, threads))
    return estimator


def _made(maker: Callable[[], Any], seed: int) -> Any:
    """What *maker* returns; PyTorch draws weights when a module is made, so there the stream is seeded first."""
    if "torch" not in sys.modules:
        found = maker()
        if "torch" not in sys.modules:
            return found
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return maker()


def _can_learn(estimator: Any) -> bool:
    from .river.native import is_river
    from .torch.net import is_torch

    both = hasattr(estimator, "fit") and hasattr(estimator, "predict")
    return both or is_river(estimator) or is_torch(estimator)


def seeded(estimator: Any, seed: int) -> Any:
    """*estimator* with every `random_state` that is None, nested steps included, set to *seed*."""
    if hasattr(estimator, "get_params"):
        unset = {
            key: seed
            for key, value in estimator.get_params(deep=True).items()
            if key.split("__")[-1] == "random_state" and value is None
        }
        estimator.set_params(**unset)
    return estimator


def load_file(path: Path, where: str) -> ModuleType:
    """Import *path* under a private name, so that it neither meets nor hides another module.

    The file's folder is importable only while the file is imported. A file that has not changed since is not
    imported again: its classes stay the ones that fitted models hold, which can then be pickled.
    """
    name = _private_name(path)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    known = sys.modules.get(name)
    if known is not None and vars(known).get(_CONTENT) == content:
        return known
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise SpecError(f"{where}: {path} cannot be imported as Python; nothing was changed")
    module = importlib.util.module_from_spec(found)
    setattr(module, _CONTENT, content)
    sys.modules[name] = module  # dataclasses and pickling in the file look their module up here
    try:
        with users_code(), importable([path]):
            found.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(name, None)
        raise SpecError(f"{where}: importing {path} raised {worded(error)}") from error
    return module


def _private_name(path: Path) -> str:
    return PRIVATE + hashlib.sha256(str(path).encode()).hexdigest()[:12]


@contextmanager
def importable(files: list[Path]) -> Iterator[None]:
    """Let the modules beside *files* be imported until the block ends."""
    folders = [str(each.parent) for each in files]
    sys.path[:0] = folders
    try:
        yield
    finally:
        for each in folders:
            sys.path.remove(each)


def own_files(spec: Spec) -> list[Path]:
    """The Python files that the spec names: the build function's, and that of a learner of the user's own."""
    named = [spec.learner.build, *([spec.learner.family] if is_file(spec.learner.family) else [])]
    return [real(spec.folder / each.rpartition(":")[0]) for each in named]


class _Unpickler(pickle.Unpickler):
    """Finds classes of the spec's own files too, each of which is imported when the first of them is met."""

    def __init__(self, file: IO[bytes], spec: Spec | None) -> None:
        super().__init__(file)
        self._spec = spec

    def find_class(self, module: str, name: str) -> Any:
        files = own_files(self._spec) if self._spec is not None else []
        for path in files:
            if module == _private_name(path) and module not in sys.modules:
                load_file(path, str(self._spec.path if self._spec else path))
        with importable(files):
            return super().find_class(module, name)


def unpickled(path: Path, spec: Spec | None = None) -> Any:
    """What *path* holds, with the classes of *spec*'s files and of those beside them.

    Only for what Ratoon itself has just written.
    """
    with path.open("rb") as file:
        return _Unpickler(file, spec).load()


def _describe(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
