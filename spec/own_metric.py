"""A team's own metric: how the spec names it, what it declares of itself, and how it is made.

    class FraudCost:
        name = "fraud_cost"
        greater_is_better = False
        response_method = "predict_proba"
        per_row = True
        tasks = ("binary",)

        def __init__(self, missed: float = 20.0) -> None:
            self.missed = missed

        def __call__(self, y_true, y_score):
            return np.where(y_true == 1, self.missed * (y_score < 0.5), y_score >= 0.5)

A scorer of scikit-learn's `make_scorer` is one too; its name is the one in the spec.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from .errors import SpecError
from .family import is_file
from .keys.metric import BUILT_IN_METRICS, GROUP, METRICS_OF, OwnMetricSpec
from .user_code import OWN_NAME, check_own, make_own, named_file

Response = Literal["predict", "predict_proba"]
# Names that signals, facts and logged figures of a run have already.
TAKEN = BUILT_IN_METRICS | {"drop", "estimated_drop", "labels", "label_delay_bias", "coverage"}
_CALL = "__call__(self, y_true, y_pred) that returns a number, or with `per_row` one for each row"
_TASKS: dict[Response, tuple[str, ...]] = {
    "predict": ("binary", "multiclass", "regression"),
    "predict_proba": ("binary", "multiclass"),
}


class OwnMetric(Protocol):
    """A metric. It keeps nothing between calls: equal rows, equal values; and it is no sum, so that more rows of the
    same kind have the same value.

    May declare more: `response_method` ("predict", left out; or "predict_proba"), `per_row` (it returns what each row
    adds, and the metric is their mean), `tasks`, `bounds` (least, most), `relative` (tolerances and margins are a share
    of the champion's value; left out: unless it has both bounds).
    """

    name: str
    greater_is_better: bool

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        """The value on these rows, or with `per_row` that of each, shape (n,).

        *y_true* holds labels as the data has them, shape (n,); *y_pred* predictions alike or, with "predict_proba",
        the positive class's probability, shape (n,), of more than two classes a column for each, shape (n, k). A
        parameter called `labels` is given the classes, in the order of the columns; the positive one is last.
        """


@dataclass(frozen=True, eq=False)  # one is made once, and may hold what has no hash
class DeclaredMetric:
    """A team's own metric with what it declares; *definition* changes with its code and its settings."""

    name: str
    function: Callable[..., Any]
    greater_is_better: bool
    response_method: Response = "predict"
    per_row: bool = False
    tasks: tuple[str, ...] = _TASKS["predict"]
    bounds: tuple[float, float] = (-math.inf, math.inf)
    relative: bool = True
    scorer: bool = False  # it is called as scikit-learn calls one: (estimator, X, y)
    definition: str = ""


def make_metric(asked: OwnMetricSpec, folder: Path, where: str, task: str) -> DeclaredMetric:
    """The metric that *asked* names, from *folder*. Raises SpecError with *where* and what it lacks for *task*.

    It is made once, until its file changes.
    """
    settings = json.dumps(dict(asked.settings), sort_keys=True, default=str)
    return _made(_Asked(asked.use, settings, _content(asked.use, folder, where), asked), folder, where, task)


@dataclass(frozen=True)
class _Asked:
    """What is asked for, by which it is known again: settings may be lists, which have no hash."""

    use: str
    settings: str
    content: str
    spec: OwnMetricSpec = field(compare=False)


def _content(name: str, folder: Path, where: str) -> str:
    """The file's text, or for an entry point what offers it."""
    if not is_file(name):
        return _offered(name)
    return named_file(name, folder, f"{where}: {name!r}").read_text(encoding="utf-8", errors="replace")


@cache
def _offered(name: str) -> str:
    return " ".join(
        f"{each.value} {each.dist.version if each.dist else ''}" for each in entry_points(group=GROUP, name=name)
    )


@lru_cache(maxsize=64)
def _made(asked: _Asked, folder: Path, where: str, task: str) -> DeclaredMetric:
    made = make_own(asked.spec, GROUP, folder, where)
    where = f"{where}: {asked.use!r}"
    definition = hashlib.sha256("\n".join([asked.settings, _code(asked.content)]).encode()).hexdigest()[:12]
    found = declared_by(made, where, name=asked.use.rpartition(":")[2], definition=definition)
    if task not in found.tasks:
        raise SpecError(
            f"{where}: its `tasks` are {', '.join(found.tasks)}, the spec's is {task!r}; choose another metric, or "
            "declare it. Nothing was changed"
        )
    return found


def declared_by(made: Any, where: str, *, name: str = "scorer", definition: str = "") -> DeclaredMetric:
    """What *made* declares of itself; a scorer of scikit-learn has the *name*, as it has none of its own.

    Raises SpecError that begins with *where* and says which fact is wrong.
    """
    if type(made).__module__.startswith("sklearn.metrics"):
        return _of_scorer(made, name, where, definition)
    check_own(made, where, TAKEN, _CALL)
    return _declared(made, where, definition)


def _code(content: str) -> str:
    """The code without comments and layout, which change no value."""
    try:
        return ast.dump(ast.parse(content))
    except (SyntaxError, ValueError):
        return content


def _of_scorer(made: Any, name: str, where: str, definition: str) -> DeclaredMetric:
    label = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    if not OWN_NAME.fullmatch(label) or label in TAKEN:
        raise SpecError(f"{where}: a scorer is called as the spec names it, and {label!r} is taken; give it another")
    method = getattr(made, "_response_method", "predict")
    return DeclaredMetric(
        name=label,
        function=made,
        greater_is_better=True,  # make_scorer turns the sign of what is better if smaller
        response_method="predict" if method == "predict" else "predict_proba",
        tasks=_TASKS["predict" if method == "predict" else "predict_proba"],
        scorer=True,
        definition=definition,
    )


def _declared(made: Any, where: str, definition: str) -> DeclaredMetric:
    """What *made* declares. Raises SpecError naming the fact, what was found and what was expected."""

    def fact(name: str, default: Any, fits: Callable[[Any], bool], expected: str) -> Any:
        value = getattr(made, name, default)
        if not fits(value):
            raise SpecError(f"{where}: its `{name}` is {value!r}; expected {expected}. Nothing was changed")
        return value

    def is_bool(value: Any) -> bool:
        return isinstance(value, bool)

    greater = fact("greater_is_better", None, is_bool, "True or False")
    response = fact("response_method", "predict", lambda v: v in get_args(Response), " or ".join(get_args(Response)))
    per_row = fact("per_row", False, is_bool, "True (it returns a number for each row) or False")
    every = [task for task in METRICS_OF if task != "clustering"]
    tasks = fact(
        "tasks",
        _TASKS[response],
        lambda v: isinstance(v, list | tuple) and bool(v) and set(v) <= set(every),
        f"some of {', '.join(every)}",
    )
    bounds = fact("bounds", (None, None), _are_bounds, "(least, most), None where there is none")
    both = None not in bounds
    relative = fact("relative", not both, is_bool, "True (margins are a share of the value) or False")
    least, most = bounds
    return DeclaredMetric(
        name=made.name,
        function=made,
        greater_is_better=greater,
        response_method=response,
        per_row=per_row,
        tasks=tuple(tasks),
        bounds=(-math.inf if least is None else float(least), math.inf if most is None else float(most)),
        relative=relative,
        definition=definition,
    )


def _are_bounds(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    known = [each for each in value if each is not None]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) and each == each for each in known):
        return False
    return len(known) < 2 or known[0] < known[1]
