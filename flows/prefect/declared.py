"""The spec behind a run's `spec` parameter, with errors worded for those who deployed it."""

from __future__ import annotations

from pathlib import Path

from ...spec.errors import SpecError
from ...spec.load import load_spec
from ...spec.model import Spec


def declared_spec(spec: str) -> Spec:
    """Read the spec at this path.

    Raises SpecError as `load_spec` does, and names the deployment's part in an empty or a relative path:
    a worker starts each run in a folder of its own.
    """
    if not spec.strip():
        raise SpecError(
            "The parameter `spec` is empty: RATOON_SPEC was not set when `prefect deploy` ran. Nothing was read or "
            "changed. Deploy with `ratoon deploy`, or give the run its `spec`: the full path."
        )
    path = Path(spec).expanduser()
    if not path.is_absolute() and not path.is_file():
        raise SpecError(
            f"{spec}: there is no such file in {Path.cwd()}, where this run started. Nothing was changed. "
            "A deployment needs the full path, as `ratoon deploy` writes it."
        )
    return load_spec(path)
