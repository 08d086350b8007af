"""River: the one model inside a `python_function`, which is how people log River's models, for want of a flavour."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from ....spec.errors import ContractBroken, RegistryError
from ....spec.model import Spec
from ...estimators import Array, Classes
from ..foreign import Foreign, refuse_pickle
from ..original import OriginalEstimator
from ..trust import Trust
from .format import RiverFormat
from .model import OnlineClassifier, OnlineModel, RiverModel, gives_probabilities, last_of, rows_of
from .native import is_river

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

_TYPES = {"long": "int64", "integer": "int32", "float": "float32", "boolean": "bool"}
_WHOLE = "the whole state: a River model carries all that it needs to learn on"


def ratoons_river(foreign: Foreign, spec: Spec, trust: Trust) -> OriginalEstimator:
    """A version of another registered model, in Ratoon's own format for River."""
    entries = foreign.about["flavors"]["river"]
    return OriginalEstimator(RiverFormat().load(foreign.folder, entries, foreign.source, trust), [_WHOLE])


def river_inside(foreign: Foreign, spec: Spec, trust: Trust) -> Inside:
    """The only River model that the python model holds as an attribute, else the only one among its artifacts.

    Raises RegistryError where there is none or are several, and where `learner.pickle` does not allow to look.
    """
    refuse_pickle(foreign, "a python_function, which is code", spec)
    import mlflow.pyfunc

    try:
        served = mlflow.pyfunc.load_model(str(foreign.folder))
        holder = served.unwrap_python_model()
    except Exception as error:  # whatever its own code raises
        raise RegistryError(
            f"{foreign.source} cannot be loaded here: {type(error).__name__}: {error}. Nothing was changed; install "
            "what its requirements.txt names"
        ) from error
    found = list(_held(holder)) or list(_in_artifacts(foreign))
    if len(found) != 1:
        where = ", ".join(f"{name} ({type(last_of(model)).__name__})" for name, model in found)
        raise RegistryError(
            f"{foreign.source} is a python_function ({type(holder).__name__}) that holds "
            + (f"{len(found)} River models: {where}" if found else "no River model, as attribute or pickled artifact")
            + ". Nothing was changed; log one with exactly one as an attribute of its PythonModel, or train a version "
            "with `ratoon train`"
        )
    name, model = found[0]
    _refuse_another_task(foreign, model, spec)
    return Inside(model, served, foreign, [f"River's {type(last_of(model)).__name__}, found as {name}", _WHOLE])


def _held(holder: object) -> Iterator[tuple[str, OnlineModel]]:
    """River models among the attributes, and in lists and dictionaries there; each once."""
    known: set[int] = set()
    for name, value in getattr(holder, "__dict__", {}).items():
        inner = {f"{name}[{key!r}]": each for key, each in value.items()} if isinstance(value, dict) else {}
        if isinstance(value, (list, tuple)):
            inner = {f"{name}[{i}]": each for i, each in enumerate(value)}
        for path, each in {name: value, **inner}.items():
            if is_river(each) and id(each) not in known:
                known.add(id(each))
                yield f"the attribute {path!r}", cast(OnlineModel, each)


def _in_artifacts(foreign: Foreign) -> Iterator[tuple[str, OnlineModel]]:
    named = foreign.about["flavors"]["python_function"].get("artifacts") or {}
    for name, entry in named.items():
        model = _unpickled(foreign.folder / entry["path"])
        if is_river(model):
            yield f"the artifact {name!r}", cast(OnlineModel, model)


def _unpickled(path: Path) -> object:
    """What *path* holds, None where it is no pickle; the user allowed it."""
    try:
        return pickle.loads(path.read_bytes())  # noqa: S301 - only where the spec says pickle: true
    except Exception:  # a text, an image, a folder: not what is looked for
        return None


def _refuse_another_task(foreign: Foreign, model: object, spec: Spec) -> None:
    from river import base

    last = last_of(model)
    if not isinstance(last, base.Regressor if spec.task == "regression" else base.Classifier):
        raise ContractBroken(
            f"{foreign.source} holds River's {type(last).__name__}, which does not fit task {spec.task!r}. Nothing was "
            f"changed; set task in {spec.path.name}"
        )


@dataclass
class Inside:
    """A River *model* and the python_function *served* that it was found in."""

    model: OnlineModel
    served: PyFuncModel
    foreign: Foreign
    recovered: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def taken_over(self, features: int, classes: Classes, spec: Spec) -> RiverModel:
        """The model with the face of an estimator."""
        if len(classes) == 2 and classes != (0, 1):
            self.missing.append(f"which class River's True stands for: taken to be {classes[1]!r}")
        return RiverModel(self.model, classes)

    def compared(self, estimator: RiverModel, X: pd.DataFrame) -> tuple[Array, Array]:
        """What the python_function gives: labels or values, or probabilities, flat or one dictionary for each row.

        ContractBroken where the model learned other labels than the data's, and where the python_function fails or
        gives something else than the model in it: it does more than that model, and that part would be lost.
        """
        self._refuse_other_labels(estimator, X)
        typed = self._typed(X)
        X = typed.astype(X.dtypes.to_dict())  # the same numbers for both: float32 rounds
        try:
            said: Any = self.served.predict(typed)  # frames, arrays or lists, as its own code makes them
        except Exception as error:  # whatever its own code raises
            raise ContractBroken(
                f"{self.foreign.source} cannot predict rows of the data: {error}. Nothing was changed; log it with the "
                "data's own columns as its input example"
            ) from error
        if isinstance(said, (pd.DataFrame, pd.Series)):
            said = said.to_numpy().reshape(len(X), -1)
            said = said[:, 0] if said.shape[1] == 1 else said
        for ours in self._heads(estimator, X):
            if _alike(said, ours):
                return np.zeros(len(X)), np.zeros(len(X))
        raise ContractBroken(
            f"{self.foreign.source} gives {list(said)[:3]} for rows of the data, and the River model in it "
            f"{estimator.predict(X)[:3].tolist()}: its `predict` does more than that model, which would be lost. "
            "Nothing was changed; put that step into the River pipeline and log it again"
        )

    def _refuse_other_labels(self, estimator: RiverModel, X: pd.DataFrame) -> None:
        if not estimator.classes:
            return
        found = {self.model.predict_one(row) for row in rows_of(X)} - {None}
        wanted = {False, True} if len(estimator.classes) == 2 else set(estimator.classes)
        if unknown := sorted(str(each) for each in found - wanted):
            raise ContractBroken(
                f"{self.foreign.source}: its River model predicts {', '.join(unknown)}; expected "
                f"{', '.join(sorted(map(str, wanted)))} of task with the classes "
                f"{', '.join(map(str, estimator.classes))}. Nothing was changed; check data.target and task. With two "
                "classes Ratoon teaches River True and False: of other labels, train a version with `ratoon train`"
            )

    def _heads(self, estimator: RiverModel, X: pd.DataFrame) -> Iterator[Sequence[object] | Array]:
        rows = list(rows_of(X))
        yield [estimator.model.predict_one(row) for row in rows]
        yield estimator.predict(X).tolist()
        if estimator.classes and gives_probabilities(self.model):
            yield [cast(OnlineClassifier, estimator.model).predict_proba_one(row) for row in rows]
            table = estimator.predict_proba(X)
            yield table
            yield table[:, -1]

    def _typed(self, X: pd.DataFrame) -> pd.DataFrame:
        """X with the types that the signature asks for, where the values are of that type: MLflow casts none itself."""
        asked = {name: kind for name, kind in self.foreign.types.items() if name in X and kind in _TYPES}
        return X.astype({name: _TYPES[kind] for name, kind in asked.items() if _fits(X[name], kind)})


def _fits(column: pd.Series, kind: str) -> bool:
    if kind == "boolean":
        return bool(column.isin((0, 1)).all())
    return kind == "float" or bool((column == column.round()).all())


def _alike(said: Sequence[object] | Array, ours: Sequence[object] | Array) -> bool:
    if len(said) != len(ours):
        return False
    if isinstance(said[0], dict) or isinstance(ours[0], dict):
        return list(said) == list(ours)
    try:
        return np.asarray(said).shape == np.asarray(ours).shape and bool(
            np.allclose(np.asarray(said, dtype=float), np.asarray(ours, dtype=float), rtol=1e-9, equal_nan=True)
        )
    except (TypeError, ValueError):
        return [str(each) for each in said] == [str(each) for each in ours]
