"""Which format saves an estimator, and which one wrote a version."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import yaml

from ...spec.errors import RegistryError
from ...spec.family import is_own
from ...spec.model import Spec
from .custom.format import OwnFormat
from .logged import Logged
from .river.format import RiverFormat
from .river.model import RiverModel
from .skops_format import SkopsFormat
from .torch.format import TorchFormat
from .torch.model import TorchModel


class Format(Protocol):
    """One way to save a version. Served, it needs no Ratoon: none of Ratoon's classes is ever pickled."""

    @property
    def flavour(self) -> str:
        """The entry in MLmodel by which a version is known again."""

    def review(self, estimator: Any, allowed: tuple[str, ...], where: str) -> list[str]:
        """The names that the file may hold; SpecError for what nobody reviewed and *allowed* does not name."""

    def reread(self, estimator: Any, types: list[str]) -> Any:
        """*estimator* through its file and back; *types*: what `review` gave."""

    def log(self, it: Logged) -> Any:
        """Log *it* into the active run; MLflow's ModelInfo."""

    def load(self, folder: Path, entries: dict[str, Any], version: str, allowed: tuple[str, ...]) -> Any:
        """The estimator in *folder*, with all that it needs to continue; RegistryError where it must not be loaded."""


BUILT_IN: tuple[Format, ...] = (SkopsFormat(), RiverFormat(), TorchFormat())


def format_of(estimator: Any, spec: Spec | None) -> Format:
    """The format that saves *estimator*: its family's, or the user's own learner's."""
    own = _own(spec)
    if own is not None:
        return own
    if isinstance(estimator, RiverModel):
        return RiverFormat()
    return TorchFormat() if isinstance(estimator, TorchModel) else SkopsFormat()


def format_in(folder: Path, version: str, spec: Spec | None) -> tuple[Format, dict[str, Any]]:
    """The format that wrote the version in *folder*, and its entries in MLmodel."""
    flavours = yaml.safe_load((folder / "MLmodel").read_text())["flavors"]
    own = _own(spec) if OwnFormat.flavour in flavours else None
    for each in (own, *BUILT_IN):
        if each is not None and each.flavour in flavours:
            return each, flavours[each.flavour]
    if OwnFormat.flavour in flavours:
        raise RegistryError(
            f"version {version} was saved by the learner {flavours[OwnFormat.flavour]['learner']!r}, which the spec's "
            "learner.family does not name; nothing was loaded"
        )
    raise RegistryError(
        f"version {version} has no {', '.join(each.flavour for each in BUILT_IN)} flavour (found "
        f"{', '.join(flavours)}); nothing was loaded"
    )


def _own(spec: Spec | None) -> OwnFormat | None:
    if spec is None or not is_own(spec.learner.family):
        return None
    from .custom.own import own_learner

    learner: Any = own_learner(spec)
    return OwnFormat(learner, spec) if hasattr(learner, "save") else None
