"""Addresses that a reviewer may follow from a version's page; only those that the environment names a server for."""

from __future__ import annotations

import os

from ..monitors.evidently.workspace import page
from .context import ModelContext


def links_of(
    context: ModelContext, parent: str | None, snapshots: tuple[str, ...], flow_run: str
) -> tuple[tuple[str, str], ...]:
    """Pairs of words and address: the flow run in Prefect, the window in Evidently, the parent in MLflow."""
    found = []
    if flow_run and (ui := _prefect()):
        found.append(("the run in Prefect", f"{ui}/runs/flow-run/{flow_run}"))
    if at := os.environ.get("RATOON_EVIDENTLY_URL"):
        found += [
            (f"Evidently, page {number} of the window", page(context.spec.model, each, at=at))
            for number, each in enumerate(snapshots, start=1)
        ]
    if parent and (address := context.registry.page(parent)):
        found.append((f"its parent, v{parent}", address))
    return tuple(found)


def _prefect() -> str | None:
    """The address of Prefect's UI: $PREFECT_UI_URL, else $PREFECT_API_URL without its `/api`."""
    if ui := os.environ.get("PREFECT_UI_URL"):
        return ui.rstrip("/")
    api = os.environ.get("PREFECT_API_URL")
    return api.rstrip("/").removesuffix("/api") if api else None
