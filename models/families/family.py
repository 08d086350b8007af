"""A model family as one object: all that the rest of Ratoon must know of it.

Whatever lists families (which learner an estimator gets, formats, requirements, adoption, the types that may be loaded,
keys without meaning, kept results of a backtest) is derived from `FAMILIES` in `families/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...spec.keys.watching import Task
from ...spec.model import Spec
from ..learning.build import Building
from ..learning.learner import Learner
from .foreign import Foreign
from .formats import Format
from .original import Original
from .trust import Trust

BY_PARTIAL_FIT = "only updates by scikit-learn's partial_fit follow it"
LABELLED: frozenset[Task] = frozenset({"binary", "multiclass", "regression"})


def set_in_build(own: str) -> Mapping[str, str]:
    """`unused_keys` of a family that has its *own* learning rate and class weights."""
    return {
        "rate": f"{BY_PARTIAL_FIT}; {own}, set in the build function",
        "weights": f"{BY_PARTIAL_FIT}; class weights belong into the build function",
    }


@dataclass(frozen=True)
class Example:
    """A small model of a family, on which the conformance suite tries it.

    *name* ends with the *task*. *maker*: `module:function` that gives it unfitted; it learns the columns `a` and `b`
    (numbers) and `c` (text), of 300 rows. *learner*: keys of the spec's `learner`.
    """

    name: str
    task: Task
    maker: str
    learner: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """One family of models.

    - *name*: as in `learner.family`.
    - *libraries*: those that it learns with; an update needs the minor version that wrote the state.
    - *modules*: of its own classes, as they are imported.
    - *described*: what a build function may return, in words.
    - *matches*: whether the predicting estimator, without its preprocessing, is of this family; told without
      importing the library.
    - *learner*: of an estimator that matches; SpecError if the spec asks for what it cannot do.
    - *saved_as*: how versions are stored.
    - *requirements*: the libraries that serving a version takes beside MLflow.
    - *foreign*: how models that others logged are loaded, by MLflow's flavour.
    - *reviewed_types*: the types that a version's file may name, by the class of estimator that brings them.
    - *unused_keys*: keys of `learner` that have no meaning for an estimator, each with the reason.
    - *building*: how building is seeded, beside `random_state`.
    - *likeliest*: whether `predict` of an estimator is the class with the largest `predict_proba`.
    - *exact*: whether a version that was stored predicts bit for bit as before.
    - *tasks*: those that it can do.
    - *examples*: for the conformance suite; Ratoon's own families have theirs in its tests.
    """

    name: str
    libraries: tuple[str, ...]
    modules: tuple[str, ...]
    described: str
    matches: Callable[[object], bool]
    learner: Callable[[object, Spec], Learner]
    saved_as: Format[Any]  # each family's own estimators
    requirements: tuple[str, ...]
    foreign: Mapping[str, Callable[[Foreign, Spec, Trust], Original[Any]]] = field(default_factory=dict)
    reviewed_types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unused_keys: Callable[[object], Mapping[str, str]] = lambda last: {}
    building: Building | None = None
    likeliest: Callable[[object], bool] = lambda estimator: False
    exact: bool = True
    tasks: frozenset[Task] = LABELLED
    examples: tuple[Example, ...] = ()
