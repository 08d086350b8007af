"""What the training state says of its estimator, so that the two are compared before a fit goes on.

State and estimator travel in one version; these lines tell when someone put another estimator, another optimiser's
state, or another reservoir beside a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from .encoders import columns, encodes, text
from .features import Feature
from .rates import optimiser
from .state import TrainingState
from .steps import innermost, leaves

CATEGORIES = 1_000  # most categories of a feature that are written down; a wider one is left out

Vocabularies = dict[str, tuple[str, ...]]


def outline(estimator: object, name: str = "") -> tuple[str, ...]:
    """The steps of *estimator* and their classes, in order: `prepare/scale: StandardScaler`."""
    if isinstance(estimator, TransformedTargetRegressor):
        inner = getattr(estimator, "regressor_", None) or estimator.regressor
        turned = getattr(estimator, "transformer_", None) or estimator.transformer
        return (f"target: {type(turned).__name__}", *outline(inner, name))
    if isinstance(estimator, Pipeline):
        steps = [f"{leaf}: {type(each).__name__}" for step, t in estimator.steps[:-1] for leaf, each in leaves(t, step)]
        last, inner = estimator.steps[-1]
        return (*steps, *outline(inner, last))
    kind = type(estimator).__name__
    wrapped = getattr(estimator, "estimator", None)
    kind = kind if wrapped is None else f"{kind} of {type(wrapped).__name__}"
    return (f"{name}: {kind}" if name else kind,)


def vocabularies(
    estimator: object,
    features: tuple[Feature, ...],
    rows: pd.DataFrame,
    before: Mapping[str, tuple[str, ...]] | None = None,
) -> Vocabularies:
    """The known categories of every category feature, sorted: its encoder's, else those in the rows learned so far.

    A feature with more than `CATEGORIES` of them, or one that was left out *before*, is left out.
    """
    encoded = _encoded(estimator)
    found: Vocabularies = {}
    for name in (feature.name for feature in features if feature.kind == "category"):
        if before is not None and name not in before:
            continue
        known = set(encoded.get(name) or (before or {}).get(name, ()))
        if name not in encoded:
            known |= {str(each) for each in rows[name].dropna().unique()}
        if len(known) <= CATEGORIES:
            found[name] = tuple(sorted(known))
    return found


class Described(TypedDict):
    """What a state says of its estimator."""

    preprocessing: tuple[str, ...]
    optimiser: str | None


def described(estimator: object) -> Described:
    """What a state says of *estimator*: `preprocessing` and `optimiser`."""
    return {"preprocessing": outline(estimator), "optimiser": optimiser(innermost(estimator))}


def differences(estimator: object, state: TrainingState, reservoir: pd.DataFrame | None) -> list[str]:
    """Where *estimator* and *reservoir* are not those that *state* tells of, in sentences.

    A state that tells nothing of a part (an adopted one) agrees with whatever is there.
    """
    found = []
    here = described(estimator)
    if state.preprocessing and state.preprocessing != here["preprocessing"]:
        gone = [each for each in state.preprocessing if each not in here["preprocessing"]]
        new = [each for each in here["preprocessing"] if each not in state.preprocessing]
        lost, more = ", ".join(gone) or "the same steps in another order", ", ".join(new) or "none other"
        found.append(f"the steps were {lost}, the estimator holds {more}")
    if state.optimiser is not None and state.optimiser != here["optimiser"]:
        found.append(f"the optimiser was {state.optimiser!r}, the estimator's is {here['optimiser'] or 'none'!r}")
    for name, known in _encoded(estimator).items():
        if name in state.vocabularies and set(state.vocabularies[name]) != known:
            gone, new = sorted(set(state.vocabularies[name]) - known), sorted(known - set(state.vocabularies[name]))
            found.append(
                f"feature {name!r}: the encoder lacks {gone[:5]} and has {new[:5]} beside the state's categories"
            )
    kept = 0 if reservoir is None else len(reservoir)
    if state.replay_rows is not None and state.replay_rows != kept:
        found.append(f"the replay reservoir held {state.replay_rows} rows, {kept} are here")
    return found


def _encoded(estimator: object) -> dict[str, set[str]]:
    """Category columns and what the first encoder that takes each of them knows."""
    found: dict[str, set[str]] = {}
    while isinstance(estimator, Pipeline | TransformedTargetRegressor):
        if isinstance(estimator, TransformedTargetRegressor):
            estimator = getattr(estimator, "regressor_", estimator.regressor)
            continue
        for name, step in estimator.steps[:-1]:
            for _, each in leaves(step, name):
                if encodes(each) and hasattr(each, "feature_names_in_") and hasattr(each, "categories_"):
                    for column, known in zip(columns(each), each.categories_, strict=True):
                        found.setdefault(column, {value for value in map(text, known) if value is not None})
        estimator = estimator.steps[-1][1]
    return found
