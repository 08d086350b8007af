"""Which family an estimator or a stored version belongs to, and what follows from it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, cast

import yaml

from ...spec.errors import RegistryError, SpecError
from ...spec.family import AUTO, is_own, unknown_family
from ...spec.model import Spec
from ..estimators import Estimator
from ..learning import build as building
from ..learning.learner import Learner, with_strategies
from ..learning.libraries import distribution_of
from ..learning.steps import innermost
from . import FAMILIES, families
from .custom.format import OwnFormat, SavingLearner
from .custom.own import own_learner
from .family import Family
from .foreign import Foreign, refuse_code
from .formats import Format
from .mlmodel import Flavour
from .original import Original
from .trust import Trust

_DEFAULTS: dict[str, object] = {"rate": 1.0, "weights": "none", "patience": None}


def build(spec: Spec) -> Estimator:
    """The unfitted estimator of `learner.build`, seeded from `seed` wherever it is not seeded yet.

    Raises SpecError if the file or function is missing or fails, or returns what no family can learn.
    """
    estimator = building.build(spec, [family.building for family in families() if family.building is not None])
    if not (named_own(spec.learner.family) or can_learn(estimator)):
        function = spec.learner.build.rpartition(":")[2]
        described = [family.described for family in reversed(families())]
        raise SpecError(
            f"{spec.path}: learner.build: {spec.learner.build!r}: {function}() returned "
            f"{building.describe(estimator)}; expected {', '.join(described[:-1])} or {described[-1]}. "
            "Nothing was changed"
        )
    return cast(Estimator, estimator)  # as far as its family, or the user's own learner, needs it


def named_own(wanted: str) -> bool:
    """Whether `learner.family` names a learner of the user's own; no package may take the name of a family."""
    return wanted != AUTO and wanted not in {family.name for family in families()} and is_own(wanted)


def can_learn(estimator: object) -> bool:
    """Whether *estimator* is of any family."""
    return any(family.matches(innermost(estimator)) for family in families())


def answers_likeliest(estimator: object) -> bool:
    """Whether `predict` of *estimator* is the class with the largest `predict_proba`, by its family's word."""
    last = innermost(estimator)
    return any(family.matches(last) and family.likeliest(estimator) for family in families())


def check_family(spec: Spec) -> None:
    """SpecError if `learner.family` names neither a family nor a learner of the user's own."""
    wanted, names = spec.learner.family, tuple(family.name for family in families())
    if wanted != AUTO and wanted not in names and not is_own(wanted):
        raise SpecError(f"{spec.path}: learner.family: {unknown_family(wanted, names)}. Nothing was changed")


def family_of(estimator: object, spec: Spec) -> Family:
    """The family of *estimator*, fitted or not, for a spec without a learner of the user's own.

    For the task, the last family that has it stands in for estimators that match none: its learner says why not.
    """
    last = innermost(estimator)
    able = [family for family in families() if spec.task in family.tasks]
    return next((family for family in able if family.matches(last)), able[-1])


def learner_for(estimator: object, spec: Spec) -> Learner:
    """The learner of *estimator*'s family, checked against `learner.family`.

    *estimator*: what the build function returned, or what came back from the registry. Raises SpecError if the spec
    names another family or a key that has no meaning for it, or if its own learner cannot be used.
    """
    check_family(spec)
    wanted = spec.learner.family
    if named_own(wanted):
        return own_learner(spec)
    family, last = family_of(estimator, spec), innermost(estimator)
    if wanted not in (AUTO, family.name):
        raise SpecError(
            f"{spec.path}: learner.family: {wanted!r} does not fit the estimator {type(last).__name__} of "
            f"{spec.learner.build}, whose family is {family.name}; leave the key out or build another estimator. "
            "Nothing was changed"
        )
    _refuse_unused(family, last, spec)
    return cast(Learner, with_strategies(family.learner(estimator if spec.task == "clustering" else last, spec)))


def _refuse_unused(family: Family, last: object, spec: Spec) -> None:
    name = type(last[0] if isinstance(last, tuple) else last).__name__
    for key, why in family.unused_keys(last).items():
        value = getattr(spec.learner, key)
        if value != _DEFAULTS[key]:
            shown = f"{value:g}" if isinstance(value, float) else repr(value)
            raise SpecError(
                f"{spec.path}: learner.{key}: {shown} has no meaning for {name} (family {family.name}): {why}. "
                "Leave the key out. Nothing was changed"
            )


def trust_of(spec: Spec | None, allowed: Iterable[str] | None = None) -> Trust:
    """What versions may name: every family's reviewed types, and what *spec*, or *allowed*, adds to them."""
    if allowed is None:
        allowed = spec.learner.types_allowed if spec is not None else ()
    reviewed: dict[str, tuple[str, ...]] = {}
    for family in families():
        reviewed.update(family.reviewed_types)
    return Trust(tuple(allowed), reviewed, frozenset(each for family in families() for each in family.modules))


def format_of(estimator: object, spec: Spec | None) -> Format[Any]:
    """The format that saves *estimator*: its family's, or the user's own learner's if that has one."""
    own = _own_format(spec)
    if own is not None:
        return own
    return _stored_as(estimator).saved_as


def _stored_as(estimator: object) -> Family:
    """The family whose format holds *estimator*; skops' if none does: a user's class may only look like another's."""
    last = innermost(estimator)
    held = (family for family in families() if family.matches(last) and family.saved_as.holds(last))
    return next(held, FAMILIES[-1])


def format_in(folder: Path, version: str, spec: Spec | None) -> tuple[Format[Any], Flavour]:
    """The format that wrote the version in *folder*, and its entries in MLmodel; RegistryError if none did."""
    flavours = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]
    own = _own_format(spec) if OwnFormat.flavour in flavours else None
    known = {family.saved_as.flavour: family.saved_as for family in reversed(families())}
    for each in (own, *known.values()):
        if each is not None and each.flavour in flavours:
            return each, flavours[each.flavour]
    if OwnFormat.flavour in flavours:
        raise RegistryError(
            f"version {version} was saved by the learner {flavours[OwnFormat.flavour]['learner']!r}, which the spec's "
            "learner.family does not name; nothing was loaded"
        )
    raise RegistryError(
        f"version {version} has no {', '.join(known)} flavour (found {', '.join(flavours)}); nothing was loaded"
    )


def _own_format(spec: Spec | None) -> OwnFormat | None:
    if spec is None or not named_own(spec.learner.family):
        return None
    learner = own_learner(spec)
    return OwnFormat(learner, spec) if isinstance(learner, SavingLearner) else None


def requirements_of(estimator: object) -> dict[str, str]:
    """`name==version` of the libraries that serving *estimator* needs, by library; only of those installed."""
    family = _stored_as(estimator)
    found = {}
    for name in family.requirements:
        distribution = distribution_of(name)
        if distribution is not None:
            # PyTorch's version may carry a build's name, such as 2.13.0+cpu, which an index need not have.
            found[name] = f"{distribution}=={installed_version(distribution).split('+')[0]}"
    return found


def load_foreign(foreign: Foreign, spec: Spec) -> Original[Any]:
    """The model in *foreign*, in this process, its own code first on the path.

    Raises RegistryError for a flavour that cannot be adopted, for a pickle or code of its own if `learner.pickle`
    does not allow it (loading one runs whatever code it holds), and for types that nobody reviewed.
    """
    loaders = {flavour: loader for family in families() for flavour, loader in family.foreign.items()}
    flavours = foreign.about["flavors"]
    # A model of a named flavour carries `python_function` too.
    name = next((each for each in sorted(loaders, key="python_function".__eq__) if each in flavours), None)
    if name == "python_function":
        others = [each for each in flavours if each != name]
        name = name if flavours[name].get("loader_module", "").startswith("mlflow.pyfunc") and not others else None
    if name is None:
        raise RegistryError(
            f"{foreign.source} has no flavour that can be adopted (found {', '.join(flavours)}; expected one of "
            f"{', '.join(loaders)}). Nothing was changed; train a version with `ratoon train`"
        )
    if foreign.code is not None:
        refuse_code(foreign, spec)
        sys.path.insert(0, str(foreign.code))
    return loaders[name](foreign, spec, trust_of(spec))
