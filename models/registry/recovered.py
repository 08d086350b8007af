"""What of a training state can be recovered from a foreign model, and what is missing and must be said.

Everything is checked before anything is registered: features against the data, classes against the labels, and
that what will be stored predicts as the original does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ...data.columns import ID
from ...data.holdout import fingerprint
from ...spec.errors import ContractBroken, DataError, RegistryError
from ...spec.keys.watching import OF_CLASSES
from ...spec.model import Spec
from ..estimators import Array, Classes, Label
from ..families import libraries
from ..families.choose import can_learn, family_of, learner_for, load_foreign
from ..families.foreign import Foreign
from ..families.original import Original
from ..ladder.run import accept
from ..learning.features import Feature, features_of, table, target
from ..learning.libraries import installed
from ..learning.lineage import classes_needed, learnable
from ..learning.reservoir import kept
from ..learning.state import TrainingState
from ..learning.steps import innermost
from ..learning.trained import Trained
from .version_files import reread

HOLDOUT = (
    "it may have learned rows that Ratoon holds out, since it did not know of them: comparisons with it on the "
    "holdout are biased in its favour until a version from scratch replaces it"
)


@dataclass
class Found:
    """In words: what was recovered, and what is missing."""

    recovered: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def recover(
    foreign: Foreign, spec: Spec, *, rows: pd.DataFrame, holdout: pd.DataFrame, upto: datetime
) -> tuple[Trained, Found]:
    """Ratoon's version of *foreign*, which has learned all labels that arrived until *upto*.

    *rows*: the labelled rows outside the holdout that had arrived by then, from which the replay reservoir is drawn;
    *holdout*: holdout rows, on which its level is measured. Raises ContractBroken where features or classes do not
    fit the data, RegistryError where it cannot be stored so that it predicts the same, DataError without any row.
    """
    if rows.empty:
        raise DataError(
            f"{spec.path}: no labelled row had arrived by {upto:%Y-%m-%d %H:%M}, so that the model's features cannot "
            "be compared with the data. Nothing was changed; check --learned-until and data.source"
        )
    if spec.task == "clustering" and foreign.code is not None:
        raise ContractBroken(
            f"{foreign.source} carries code of its own: the gate compares clusterings behind their preprocessing, and "
            "cannot look into one that runs in a process of its own. Nothing was changed; log it without code_paths, "
            f"or begin a lineage with `ratoon train {spec.path}`"
        )
    rows, found = learnable(rows), Found()
    original = load_foreign(foreign, spec)
    features = _features(foreign, original.model, spec, rows, found)
    classes = _classes(original.model, spec, rows, found)
    estimator = original.taken_over(len(features), classes, spec)
    found.recovered += original.recovered
    found.missing += original.missing
    family = learner_for(estimator, spec).family
    _optimiser(estimator, found)
    found.recovered.append(f"the family: {family}")
    if spec.replayed.rows:
        found.recovered.append(f"a replay reservoir of at most {spec.replayed.rows} rows of {len(rows)} until then")
    state = TrainingState(
        family=family,
        task=spec.task,
        features=features,
        classes=classes,
        watermark=upto,
        learned_rows=len(rows),
        fingerprint=fingerprint(rows[ID]),
        strategy="adopted",
        parent=foreign.number,
        seed=spec.seed,
        holdout=spec.data.holdout,
        mature_after=spec.data.matured,
        versions=_versions(foreign, found),
        likeliest=family_of(estimator, spec).likeliest(estimator),
    )
    found.missing.append("which rows it learned: taken to be all labelled rows outside the holdout until the watermark")
    found.missing.append(HOLDOUT)
    trained = Trained(estimator, state, reservoir=kept(None, rows, spec.replayed))
    _predicts_alike(foreign, original, trained, spec, rows.head(50))
    if len(holdout):
        trained = accept(trained, spec, holdout)
    if not trained.state.accepted:
        found.missing.append("its level on the holdout: there is no holdout row by which it could be measured")
    notes = tuple(f"missing: {each}" for each in found.missing)
    return Trained(estimator, trained.state.model_copy(update={"notes": notes}), reservoir=trained.reservoir), found


def _features(foreign: Foreign, estimator: object, spec: Spec, rows: pd.DataFrame, found: Found) -> tuple[Feature, ...]:
    """The model's features in its order, once they are the data's."""
    data = {each.name: each for each in features_of(rows)}
    names, source = _names(foreign, estimator, spec)
    differences = [f"the model expects {name!r}, which the data lack" for name in names if name not in data]
    extra = [name for name in data if name not in names]
    differences += [f"the data have {name!r}, which the model does not know" for name in extra]
    differences += [
        f"the model expects {name!r} as {kind}, in the data it is a {data[name].kind}"
        for name, kind in foreign.signature.items()
        if name in names and name in data and kind != data[name].kind
    ]
    if differences:
        raise ContractBroken(
            f"{spec.path.name}: {'; '.join(differences)}. Nothing was changed; set data.features to the model's own: "
            f"[{', '.join(names)}]"
        )
    if not foreign.signature:
        found.missing.append("a signature: the kinds of the features are taken from the data")
    found.recovered.append(f"{len(names)} features, from {source}")
    return tuple(data[name] for name in names)


def _names(foreign: Foreign, estimator: object, spec: Spec) -> tuple[list[str], str]:
    if foreign.signature:
        return list(foreign.signature), "its signature"
    known = getattr(estimator, "feature_names_in_", None)
    if known is not None and list(known) != [f"Column_{i}" for i in range(len(known))]:  # LightGBM's for no names
        return [str(each) for each in known], "the estimator's feature_names_in_"
    if foreign.example is not None:
        return [str(each) for each in foreign.example.columns], "its input example"
    count = getattr(estimator, "n_features_in_", foreign.width)
    if spec.data.features is not None and count in (None, len(spec.data.features)):
        return list(spec.data.features), "data.features, in that order"
    raise ContractBroken(
        f"{foreign.source} does not say what its {count or ''} features are called: it has no signature, no "
        f"feature_names_in_ and no input example. Nothing was changed; name them in data.features of {spec.path.name}, "
        "in the order in which it learned them"
    )


def _classes(estimator: object, spec: Spec, rows: pd.DataFrame, found: Found) -> Classes:
    known = getattr(estimator, "classes_", None)
    if spec.task != "clustering":  # whose own learner says what it takes
        _refuse_another_task(estimator, known, spec)
    if spec.task not in OF_CLASSES:
        return ()
    labels = target(rows, spec.task)
    if known is None:
        found.missing.append("its classes: taken from the labels until the watermark")
        return _of_labels(np.unique(labels).tolist(), spec)
    classes = tuple(int(each) if isinstance(each, bool) else each for each in np.asarray(known).tolist())
    unknown = sorted({str(each) for each in np.unique(labels) if each not in classes})
    if unknown or (spec.task == "binary" and len(classes) != 2):
        what = (
            f"the labels hold {', '.join(unknown)}" if unknown else f"task 'binary' has two classes, not {len(classes)}"
        )
        raise ContractBroken(
            f"the model knows the classes {', '.join(map(str, classes))}; {what}. Nothing was changed; check "
            f"data.target and task in {spec.path.name}"
        )
    found.recovered.append(f"classes {', '.join(map(str, classes))}, from classes_")
    return classes


def _of_labels(classes: list[Label], spec: Spec) -> Classes:
    if needed := classes_needed(spec.task, len(classes)):
        raise ContractBroken(
            f"{spec.path}: the model does not say which classes it knows, and the labels of data.target "
            f"{spec.data.target!r} until --learned-until hold {len(classes)}: {', '.join(map(str, classes[:10]))}; "
            f"task {spec.task!r} needs {needed}. Nothing was changed; check task, data.target and --learned-until"
        )
    return tuple(classes)


def _refuse_another_task(estimator: object, known: Array | None, spec: Spec) -> None:
    """ContractBroken for a classifier where values are asked for, and the reverse, as far as it can be told."""
    # A raw River model has another face: what it is, the River family itself says.
    gives_values = (
        hasattr(estimator, "predict")
        and can_learn(estimator)
        and not any(hasattr(estimator, name) for name in ("predict_proba", "decision_function", "classes_"))
    )
    if (known is not None) if spec.task == "regression" else gives_values:
        what = "a regressor" if known is None else f"a classifier of {', '.join(map(str, known))}"
        raise ContractBroken(
            f"{type(innermost(estimator)).__name__} is {what}, which does not fit task {spec.task!r}. Nothing was "
            f"changed; check task and data.target in {spec.path.name}"
        )


def _versions(foreign: Foreign, found: Found) -> dict[str, str]:
    """Versions that it was trained with, as its requirements pin them; the rest as installed here."""
    here, pinned = installed(libraries()), foreign.requirements
    known = {name: pinned[name] for name in here if name in pinned}
    if known:
        found.recovered.append(f"versions of {', '.join(known)}, from its requirements")
    else:
        found.missing.append("the versions of the libraries that it was trained with: taken to be those installed here")
    other = sorted(set(pinned) - set(here) - {"mlflow", "cloudpickle"})
    if other:
        found.missing.append(
            "its other requirements: add those that serving needs to learner.requirements: "
            + ", ".join(f"{name}=={pinned[name]}" for name in other)
        )
    return {**here, **known}


def _optimiser(estimator: object, found: Found) -> None:
    """SGD counts its steps, networks keep the moments of Adam, k-means counts rows: all travel in the estimator."""
    last = innermost(estimator)
    if getattr(last, "_optimizer", None) is not None:
        found.recovered.append(f"the optimiser's state ({type(last._optimizer).__name__}), inside the estimator")
    elif hasattr(last, "cluster_centers_"):
        found.recovered.append(f"{len(last.cluster_centers_)} centres and their counts, inside the estimator")
    elif hasattr(last, "t_"):
        found.recovered.append(f"the optimiser's step count ({last.t_:g}), inside the estimator")


def _predicts_alike(
    foreign: Foreign, original: Original[Any], trained: Trained, spec: Spec, rows: pd.DataFrame
) -> None:
    """Raises RegistryError unless what will be stored predicts *rows* and the model's own example as the original."""
    features = trained.state.features
    stored = reread(trained.estimator, spec)
    tables = {"rows of the data": table(rows, features)}
    if foreign.example is not None:
        names: Sequence[str] = [each.name for each in features]
        tables["its input example"] = table(foreign.example[names], features)
    for what, X in tables.items():
        try:
            before, after = original.compared(stored, X)
        except (ValueError, TypeError, IndexError, RuntimeError) as error:
            raise ContractBroken(
                f"{foreign.source} cannot predict {what}: {error}. Nothing was changed; compare data.features in "
                f"{spec.path.name} with the columns that it learned"
            ) from error
        _same(foreign, before, after, what, exact=family_of(stored, spec).exact)


def _same(foreign: Foreign, before: Array, after: Array, what: str, *, exact: bool = True) -> None:
    """RegistryError unless both are equal; an exported graph (not *exact*) may add up in another order."""
    before, after = np.asarray(before), np.asarray(after)
    same = before.shape == after.shape and (
        np.all((before == after) | ((before != before) & (after != after)))
        if exact
        else np.allclose(before, after, rtol=1e-4, atol=1e-6, equal_nan=True)
    )
    if not same:
        raise RegistryError(
            f"{foreign.source} would not predict the same once stored: for {what} it says {before[:5].tolist()}, "
            f"afterwards {after[:5].tolist()}. Nothing was changed"
        )
