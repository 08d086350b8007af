"""A model that someone else trained and logged in MLflow: its files, and what they say of it.

What is in them is loaded by its family (`Family.foreign`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import yaml

from ...spec.errors import RegistryError
from ...spec.model import Spec
from ..learning.features import Kind
from ..subprocesses.digests import inside
from .mlmodel import MLmodel

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
    def about(self) -> MLmodel:
        """The file MLmodel."""
        path = self.folder / "MLmodel"
        if not path.is_file():
            raise RegistryError(f"{self.source} holds no MLmodel, so it is no MLflow model; nothing was changed")
        found: MLmodel = yaml.safe_load(path.read_text())
        return found

    @property
    def code(self) -> Path | None:
        """The folder of the packages that it carries (`code_paths`); RegistryError where that is none of its own."""
        parts = self.about["flavors"].values()
        name = next((each["code"] for each in parts if isinstance(each, dict) and each.get("code")), None)
        return inside(self.folder, str(name), self.source) if name else None

    @property
    def logged_at(self) -> str:
        """When it was logged, as MLflow wrote it down."""
        return str(self.about.get("utc_time_created", "a time that is not known"))

    @property
    def signature(self) -> dict[str, Kind | str]:
        """Names and kinds of its inputs; a type that Ratoon has no kind for stands as it is. Empty without names."""
        return {name: _KINDS.get(kind, kind) for name, kind in self.types.items()}

    @property
    def types(self) -> dict[str, str]:
        """Names of its inputs and MLflow's types of them. Empty without names, as for a tensor."""
        inputs = json.loads((self.about.get("signature") or {}).get("inputs") or "[]")
        if not all("name" in each for each in inputs):
            return {}
        return {each["name"]: str(each.get("type")) for each in inputs}

    @property
    def width(self) -> int | None:
        """How many features the tensor has that it takes, where its signature is one."""
        inputs = json.loads((self.about.get("signature") or {}).get("inputs") or "[]")
        shape = (inputs[0].get("tensor-spec") or {}).get("shape") if len(inputs) == 1 else None
        return int(shape[1]) if shape and len(shape) == 2 and shape[1] > 0 else None

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


def refuse_pickle(foreign: Foreign, saved_as: str, spec: Spec) -> None:
    """Raises RegistryError unless the spec allows pickles."""
    if not spec.learner.pickle:
        raise RegistryError(
            f"{foreign.source} is saved as {saved_as}; loading it runs whatever code it holds. If you trust who "
            f"logged it, set `learner: {{pickle: true}}` in {spec.path.name}. Nothing was loaded or changed"
        )


def refuse_code(foreign: Foreign, spec: Spec) -> None:
    """Raises RegistryError unless the spec allows what runs code of the model's own."""
    if not spec.learner.pickle:
        raise RegistryError(
            f"{foreign.source} carries code of its own (MLflow's code_paths), which loading it runs. If you trust who "
            f"logged it, set `learner: {{pickle: true}}` in {spec.path.name}. Nothing was loaded or changed"
        )
