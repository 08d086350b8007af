"""A River model that predicts tables, and a reader of its file that builds only types on a list.

This file knows nothing of Ratoon: a copy of it travels with every version and serves it. River has no format
of its own, and skops 0.16 cannot rebuild naive Bayes, drift detectors or adaptive forests. So a model is
written as a pickle and read by `read`, which follows "Restricting Globals" in Python's documentation of pickle:
it builds River's own classes and a few reviewed types that hold values, and refuses every other name. As with
skops this is no sandbox: whoever may write the registry is trusted.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

T = TypeVar("T")
Array: TypeAlias = NDArray[Any]  # of numbers or of text
Label: TypeAlias = bool | int | float | str
Row: TypeAlias = dict[str, float | str]

ANY = "*"  # among the allowed names: every name may be read (learner.pickle)
# fmt: off
PLACES = frozenset(  # River's rooms whose classes only hold and compute; not those that read files or streams
    {
        "_river_rust", "anomaly", "bandit", "base", "cluster", "compose", "covariance", "drift", "dummy",
        "ensemble", "facto", "feature_extraction", "feature_selection", "forest", "imblearn", "linear_model",
        "metrics", "misc", "model_selection", "multiclass", "multioutput", "naive_bayes", "neighbors",
        "optim", "preprocessing", "proba", "reco", "rules", "sketch", "stats", "time_series", "tree", "utils",
    }
)
# fmt: on
REVIEWED = frozenset(
    {
        *(f"builtins.{name}" for name in ("bool", "bytearray", "complex", "dict", "float", "frozenset", "int", "list")),
        *(f"builtins.{name}" for name in ("object", "range", "set", "slice", "str", "tuple")),
        *(f"collections.{name}" for name in ("Counter", "OrderedDict", "defaultdict", "deque")),
        "copy.deepcopy",  # River's factories: defaultdict(partial(deepcopy, optimizer))
        "datetime.datetime",
        "datetime.timedelta",
        "functools.partial",
        "numpy.dtype",
        "numpy.ndarray",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.numeric._frombuffer",
        "random.Random",
        "river._river_rust.vectordict.euclidean_distance_tuple",
        "statistics.NormalDist",
    }
)


class OnlineModel(Protocol):
    """What learns and predicts row by row, as River's classifiers, regressors and pipelines do."""

    def learn_one(self, x: Row, y: Label) -> object:
        """Learn one row."""

    def predict_one(self, x: Row) -> Label | None:
        """The label or value of one row; None from a classifier that knows no class yet."""


class OnlineClassifier(OnlineModel, Protocol):
    """One with probabilities."""

    def predict_proba_one(self, x: Row) -> dict[Label, float]:
        """The probability of each class that it knows."""


class NotReviewed(Exception):
    """The file names something that is neither River's, nor reviewed, nor allowed by the caller."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the model holds {name!r}, which is not on the reviewed list")
        self.name = name


class _Reader(pickle._Unpickler):  # the one in Python: its steps can be looked at
    def __init__(self, content: bytes, allowed: frozenset[str]) -> None:
        super().__init__(io.BytesIO(content))
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> object:
        full = f"{module}.{name}"
        if full == "builtins.getattr":
            return _method
        if full in REVIEWED or full in self._allowed or _of_river(module, name):
            return super().find_class(module, name)
        raise NotReviewed(full)

    def load_build(self) -> None:
        """A state is given to an object that the file itself made, never to a class or function."""
        target = self.stack[-2]  # type: ignore[attr-defined]  # the Python reader's own
        if isinstance(target, (type, FunctionType, BuiltinFunctionType, MethodType)):
            raise NotReviewed(f"a state for {target!r}")
        pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]

    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: load_build}


def _of_river(module: str, name: str) -> bool:
    """Whether *name* is a class or function that River's *module* itself defines, in one of the rooms above."""
    parts = module.split(".")
    if parts[0] != "river" or len(parts) < 2 or parts[1] not in PLACES:
        return False
    found: object = import_module(module)
    for step in name.split("."):
        if found is not sys.modules[module] and not isinstance(found, type):
            return False
        found = getattr(found, step, None)
    return callable(found) and getattr(found, "__module__", None) == module


def _rivers(cls: type) -> bool:
    return cls.__module__.split(".")[0] == "river"


def _method(of: object, name: str) -> object:
    """`getattr` as pickles of bound methods use it; only for methods of River's objects."""
    if not _rivers(of if isinstance(of, type) else type(of)) or name.startswith("__"):
        raise NotReviewed(f"getattr of {type(of).__name__}.{name}")
    return getattr(of, name)


def read(content: bytes, allowed: Sequence[str] = ()) -> OnlineModel:
    """What `write` wrote; NotReviewed for a name that is not River's, not reviewed and not in *allowed*."""
    everything = ANY in allowed  # by the spec: learner.pickle
    if everything:
        found: OnlineModel = pickle.loads(content)  # noqa: S301  # allowed by the spec: learner.pickle
        return found
    reviewed: OnlineModel = _Reader(content, frozenset(allowed)).load()
    return reviewed


def write(model: object) -> bytes:
    """*model* as bytes."""
    return pickle.dumps(model, protocol=4)


class RiverModel:
    """A River *model* with the face of scikit-learn's estimators, for tables of features.

    *classes*: the labels in the training state's order; empty for regression. With two of them, River learns
    and predicts whether the second one holds. Missing values are left out of the row, as River expects.
    """

    def __init__(self, model: OnlineModel, classes: Sequence[Label] = ()) -> None:
        self.model = model
        self.classes = tuple(classes)

    def learn(self, X: pd.DataFrame, y: Iterable[Label]) -> None:
        """Learn the rows of X, shape (n, k), one by one in their order; y, length n, holds labels or values."""
        for row, label in zip(rows_of(X), self.targets(y), strict=True):
            self.model.learn_one(row, label)

    def targets(self, y: Iterable[Label]) -> list[Label]:
        """Labels as River takes them: bool, a class, or float."""
        if not self.classes:
            return [float(each) for each in y]
        if len(self.classes) == 2:
            return [bool(each == self.classes[1]) for each in y]
        return [each.item() if hasattr(each, "item") else each for each in y]

    def predict(self, X: pd.DataFrame) -> Array:
        """Labels or values, shape (n,). A row of which a classifier says nothing gets the first class."""
        found = self._said(self.model.predict_one, X)
        if not self.classes:
            return np.asarray([np.nan if each is None else each for each in found], dtype=np.float64)
        if len(self.classes) == 2:
            found = [self.classes[int(bool(each))] for each in found]
        found = [self.classes[0] if each is None else each for each in found]
        return np.asarray(found, dtype=object if isinstance(self.classes[0], str) else None)

    @property
    def classes_(self) -> Array:
        """The labels, as scikit-learn's classifiers name them; missing for regression."""
        if not self.classes:
            raise AttributeError("a regression has no classes")
        return np.asarray(self.classes)

    @property
    def predict_proba(self) -> Callable[[pd.DataFrame], Array]:
        """A function to probabilities, shape (n, classes); missing where the model has none."""
        if not self.classes or not gives_probabilities(self.model):
            raise AttributeError(f"{type(self.model).__name__} gives no probabilities")
        return self._probabilities

    @property
    def decision_function(self) -> Callable[[pd.DataFrame], Array]:
        """A function to +1 for the predicted class and -1 for others, where there are no probabilities."""
        if not self.classes or gives_probabilities(self.model):
            raise AttributeError("there are probabilities, or it is a regressor")
        return self._votes

    def _probabilities(self, X: pd.DataFrame) -> Array:
        keys: Sequence[Label] = (False, True) if len(self.classes) == 2 else self.classes
        model, table = cast(OnlineClassifier, self.model), np.zeros((len(X), len(keys)))
        for i, said in enumerate(self._said(model.predict_proba_one, X)):
            table[i] = [said.get(key, 0.0) for key in keys]
        total = table.sum(axis=1, keepdims=True)
        return np.where(total > 0, table / np.where(total > 0, total, 1.0), 1 / len(keys))

    def _said(self, predict: Callable[[Row], T], X: pd.DataFrame) -> list[T]:
        try:
            return [predict(row) for row in rows_of(X)]
        except Exception as error:  # River raises whatever its parts raise
            raise ValueError(in_words(self.model, error)) from error

    def _votes(self, X: pd.DataFrame) -> Array:
        chosen = np.asarray([self.classes.index(each) for each in self.predict(X).tolist()], dtype=int)
        votes = np.where(np.arange(len(self.classes)) == chosen[:, None], 1.0, -1.0)
        return votes[:, 1] if len(self.classes) == 2 else votes


def rows_of(X: pd.DataFrame) -> Iterator[Row]:
    """Each row as River takes it: name to float or str, without the missing ones."""
    names = [str(name) for name in X.columns]
    for values in zip(*(X[name].tolist() for name in X.columns), strict=True):
        yield {name: value for name, value in zip(names, values, strict=True) if value is not None and value == value}


def in_words(model: object, error: Exception) -> str:
    """River's own *error*, and what a missing key most often means."""
    hint = ""
    if isinstance(error, KeyError):
        hint = " (rows come without their missing values: compose.SelectType passes over them, compose.Select does not)"
    return f"River's {type(last_of(model)).__name__}: {error!r}{hint}"


def last_of(model: object) -> object:
    """The part of *model* that predicts: the last step of a pipeline."""
    while hasattr(model, "steps") and hasattr(model, "learn_one"):
        model = list(model.steps.values())[-1]
    return model


def gives_probabilities(model: object) -> bool:
    """Whether the class of *model* has probabilities of its own, not River's placeholder that raises."""
    own = getattr(type(last_of(model)), "predict_proba_one", None)
    return own is not None and getattr(own, "__qualname__", "") != "Classifier.predict_proba_one"
