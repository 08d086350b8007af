"""Keys of Prefect's artifacts: one for each kind and model, so that its page shows how it went over time."""

from __future__ import annotations

import re


def artifact_key(what: str, model: str) -> str:
    """Artifact keys may hold lower-case letters, digits and dashes only."""
    return re.sub(r"[^a-z0-9]+", "-", f"{what}-{model}".lower()).strip("-")
