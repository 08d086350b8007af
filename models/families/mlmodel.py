"""What a version's file MLmodel says, as far as Ratoon reads it."""

from __future__ import annotations

from typing import TypedDict


class Signature(TypedDict, total=False):
    """MLflow's signature; *inputs* are JSON."""

    inputs: str


class Artifact(TypedDict):
    """A file of a `python_function`, by its *path* in the version's folder."""

    path: str


class Flavour(TypedDict, total=False):
    """The entries of one flavour; paths are those in the version's folder, *code* is the folder of `code_paths`."""

    code: str | None
    data: str
    model_data: str
    pickled_model: str
    serialization_format: str
    model_class: str
    loader_module: str
    artifacts: dict[str, Artifact]
    learner: str


class MLmodel(TypedDict, total=False):
    """The file itself."""

    flavors: dict[str, Flavour]
    signature: Signature | None
    utc_time_created: str
