"""The Evidently workspace: snapshots on disk, one project per model, as `evidently ui` reads them.

Evidently's `Workspace` parses every snapshot when it is opened, so that keeping the n-th would cost O(n); and a
process killed while it writes leaves a file that stops the UI from starting. So we write Evidently's own
models to its own layout ourselves, each file whole or not at all.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..spec.values import Span
from .report import Run

_PROJECTS = uuid.UUID("0c2c1a3e-8a53-4c6e-b6f9-1d8f2f6f2a77")  # namespace of our project ids


def project_id(project: str) -> str:
    """The id of a model's project: the same for the same name, in every workspace."""
    return str(uuid.uuid5(_PROJECTS, project))


def keep(
    workspace: Path, project: str, runs: Sequence[Run], *, window: Span, decision: str, action: str, triage: str
) -> list[str]:
    """Write *runs* into *project*, made with its dashboard if it is new; returns their ids in order.

    Each snapshot carries the window's end as its time, and model, window, decision, action and triage as tags
    and metadata. Keeping a run again replaces it. Cost does not grow with what the workspace holds.
    Raises OSError where the folder cannot be written.
    """
    from evidently.ui.storage.local.base import DASHBOARD_FILE_NAME, PROJECT_FILE_NAME, SNAPSHOTS_DIR_NAME

    folder = Path(workspace) / project_id(project)
    (folder / SNAPSHOTS_DIR_NAME).mkdir(parents=True, exist_ok=True)
    if not (folder / PROJECT_FILE_NAME).exists():
        from evidently.sdk.models import ProjectModel

        description = f"Ratoon watches {project}: one point per window, newest last"
        _write(folder / PROJECT_FILE_NAME, ProjectModel(id=project_id(project), name=project, description=description))
    if runs and not (folder / DASHBOARD_FILE_NAME).exists():
        from .dashboard import dashboard

        _write(folder / DASHBOARD_FILE_NAME, dashboard(metric=runs[0].metric, columns=runs[0].columns))
    facts = {"model": project, "window": str(window), "decision": decision, "action": action, "triage": triage}
    for run in runs:
        model = run.snapshot.to_snapshot_model().copy(
            update={
                "name": f"{window.end:%Y-%m-%d %H:%M} {run.title}",
                "timestamp": window.end,
                "tags": [run.title, f"action: {action}", f"triage: {triage}", f"decision: {decision}"],
                "metadata": facts,
            }
        )
        _write(folder / SNAPSHOTS_DIR_NAME / f"{run.id}.json", model)
    return [run.id for run in runs]


def link(workspace: Path, project: str, snapshot: str, *, port: int = 8000) -> str:
    """How a person gets to a snapshot: the command that opens the UI, and the address there."""
    return (
        f"evidently ui --workspace {workspace} --port {port}"
        f"  # then open {page(project, snapshot, at=f'http://127.0.0.1:{port}')}"
    )


def page(project: str, snapshot: str, *, at: str) -> str:
    """The address of a snapshot in an `evidently ui` that answers *at* this address."""
    return f"{at.rstrip('/')}/projects/{project_id(project)}/reports/{snapshot}"


def _write(path: Path, model: Any) -> None:
    """Write an Evidently model as JSON, so that a reader sees the old file or the new one."""
    from evidently.legacy.utils import NumpyEncoder

    draft = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.draft")
    draft.write_text(json.dumps(model.dict(), cls=NumpyEncoder), encoding="utf-8")
    draft.replace(path)
