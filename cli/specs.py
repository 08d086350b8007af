"""Read the spec that a command names, and settle the environment that its engines need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..spec.model import Spec


def load_for_flows(path: Path) -> Spec:
    """The spec at *path*, for commands that start a flow.

    To be called before Prefect is imported, which reads the environment then. Raises BadInput for a spec with a fault,
    Refused while `ratoon up` is still starting.
    """
    from ..spec.load import load_spec
    from .settings import settle_environment

    spec = load_spec(path)
    settle_environment(spec)
    return spec


def load_for_reading(path: Path) -> Spec:
    """The spec at *path*, for commands that start no flow: only the stores that `ratoon up` keeps are looked up.

    Raises as `load_for_flows`.
    """
    from ..spec.load import load_spec
    from .settings import use_running_servers

    spec = load_spec(path)
    use_running_servers(spec)
    return spec
