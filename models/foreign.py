"""A model that someone else trained and logged in MLflow: its files, and the estimator in them."""

from __future__ import annotations

import json
import pickle
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ..spec.errors import RegistryError
from ..spec.model import Spec
from .features import Kind
from .trust import trusted

FLAVOURS = ("sklearn", "lightgbm", "xgboost")
_XGBOOST = ("xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor")
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("double", "float", "long", "integer", "boolean"), "number"),
    "string": "category",
}


@dataclass(frozen=True)
class Foreign:
    """The files of a logged model in *folder*, which came from the address *source*.

    *number*: its version, where it is one of the model's own registered versions.
    """

    folder: Path
    source: str
    number: str | None = None

    @cached_property
    def about(self) -> dict[str, Any]:
        """The file MLmodel."""
        path = self.folder / "MLmodel"
        if not path.is_file():
            raise RegistryError(f"{self.source} holds no MLmodel, so it is no MLflow model; nothing was changed")
        found: dict[str, Any] = yaml.safe_load(path.read_text())
        return found

    @property
    def code(self) -> Path | None:
        """The folder of the packages that it carries (`code_paths`)."""
        parts = self.about["flavors"].values()
        name = next((each["code"] for each in parts if isinstance(each, dict) and each.get("code")), None)
        return self.folder / name if name else None

    @property
    def logged_at(self) -> str:
        """When it was logged, as MLflow wrote it down."""
        return str(self.about.get("utc_time_created", "a time that is not known"))

    @property
    def signature(self) -> dict[str, Kind | str]:
        """Names and kinds of its inputs; a type that Ratoon has no kind for stands as it is. Empty without names."""
        inputs = json.loads((self.about.get("signature") or {}).get("inputs") or "[]")
        if not all("name" in each for each in inputs):
            return {}
        return {each["name"]: _KINDS.get(each.get("type"), str(each.get("type"))) for each in inputs}

    @property
    def example(self) -> pd.DataFrame | None:
        """The input example that it was logged with, where that is a table."""
        path = self.folder / "input_example.json"
        found = json.loads(path.read_text()) if path.is_file() else None
        if not isinstance(found, dict) or not {"columns", "data"} <= set(found):
            return None
        return pd.DataFrame(found["data"], columns=found["columns"])

    @property
    def requirements(self) -> dict[str, str]:
        """The pinned versions of its requirements.txt, by library."""
        path = self.folder / "requirements.txt"
        lines = path.read_text().splitlines() if path.is_file() else []
        return {name.strip(): rest.strip() for name, mark, rest in (each.partition("==") for each in lines) if mark}

    def load(self, spec: Spec) -> Any:
        """The estimator, in this process, its own code first on the path.

        Raises RegistryError for a flavour that cannot be adopted, for a pickle where `learner.pickle` does not allow
        it (loading one runs whatever code it holds), and for types that nobody reviewed.
        """
        flavours = self.about["flavors"]
        name = next((each for each in FLAVOURS if each in flavours), None)
        if name is None:
            raise RegistryError(
                f"{self.source} has no flavour that can be adopted (found {', '.join(flavours)}; expected one of "
                f"{', '.join(FLAVOURS)}). Nothing was changed; train a version with `ratoon train`"
            )
        if self.code is not None:
            sys.path.insert(0, str(self.code))
        if name == "xgboost":
            return self._xgboost(flavours[name])
        file = flavours[name].get("pickled_model") or flavours[name].get("data")
        saved_as = flavours[name].get("serialization_format") or "pickle"
        return self._skops(file, spec) if saved_as == "skops" else self._pickle(file, saved_as, spec)

    def _skops(self, file: str, spec: Spec) -> Any:
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException

        try:
            return skops.io.load(self.folder / file, trusted=trusted(spec.learner.trusted))
        except UntrustedTypesFoundException as error:
            raise RegistryError(
                f"{self.source} names types that were not reviewed: {error}. If loading them is safe, add them to "
                "learner.trusted. Nothing was changed"
            ) from error

    def _pickle(self, file: str, saved_as: str, spec: Spec) -> Any:
        if not spec.learner.pickle:
            raise RegistryError(
                f"{self.source} is saved as {saved_as}; loading it runs whatever code it holds. If you trust who "
                f"logged it, set `learner: {{pickle: true}}` in {spec.path.name}. Nothing was loaded or changed"
            )
        with (self.folder / file).open("rb") as opened:
            return pickle.load(opened)  # noqa: S301  # the user allowed it

    def _xgboost(self, flavour: dict[str, Any]) -> Any:
        made = flavour.get("model_class")
        if made not in _XGBOOST:
            raise RegistryError(
                f"{self.source} is a {made}; of XGBoost only {' and '.join(_XGBOOST)} can be adopted. "
                "Nothing was changed"
            )
        import xgboost

        estimator = getattr(xgboost, made.rpartition(".")[2])()
        estimator.load_model(self.folder / flavour["data"])
        return estimator
