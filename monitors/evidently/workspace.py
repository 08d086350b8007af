"""The Evidently workspace: snapshots on disk, one project per model, as `evidently ui` reads them.

Evidently's `Workspace` parses every snapshot when it is opened, so that keeping the n-th would cost O(n); and a
process killed while it writes leaves a file that stops the UI from starting. So we write Evidently's own
models to its own layout ourselves, each file whole or not at all (see shown.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...spec.values import Span
from .report import Run
from .shown import put, put_dashboard

if TYPE_CHECKING:
    from evidently.core.metric_types import MetricResult

_PROJECTS = uuid.UUID("0c2c1a3e-8a53-4c6e-b6f9-1d8f2f6f2a77")  # namespace of our project ids


def project_id(project: str) -> str:
    """The id of a model's project: the same for the same name, in every workspace."""
    return str(uuid.uuid5(_PROJECTS, project))


def keep(
    workspace: Path, project: str, runs: Sequence[Run], *, window: Span, decision: str, action: str, triage: str
) -> list[str]:
    """Write *runs* into *project*, made with its dashboard if it is new; returns their ids in order.

    Each snapshot carries the window's end as its time, and model, window, decision, action and triage as tags
    and metadata; the one of all signals also holds the decision as numbers, which the dashboard draws. Keeping a
    run again replaces it. The dashboard follows the metric and the columns of *runs*, unless a person changed it.
    Cost does not grow with what the workspace holds. Raises OSError where the folder cannot be written.
    """
    from evidently.ui.storage.local.base import PROJECT_FILE_NAME, SNAPSHOTS_DIR_NAME

    folder = Path(workspace) / project_id(project)
    (folder / SNAPSHOTS_DIR_NAME).mkdir(parents=True, exist_ok=True)
    if not (folder / PROJECT_FILE_NAME).exists():
        from evidently.sdk.models import ProjectModel

        description = f"Ratoon watches {project}: one point per window, newest last"
        put(folder / PROJECT_FILE_NAME, ProjectModel(id=project_id(project), name=project, description=description))
    if runs:
        from .dashboard import dashboard

        put_dashboard(folder, dashboard(project=project, metric=runs[0].metric, columns=runs[0].columns))
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
        if run.title == "signals":
            model = model.copy(update={"metric_results": model.metric_results | _decided(action, triage)})
        put(folder / SNAPSHOTS_DIR_NAME / f"{run.id}.json", model)
    return [run.id for run in runs]


def _decided(action: str, triage: str) -> dict[str, MetricResult]:
    from .measured import outcome

    found: dict[str, MetricResult] = outcome(action, triage).to_snapshot_model().metric_results
    return found


def link(workspace: Path, project: str, snapshot: str, *, port: int = 8000) -> str:
    """How a person gets to a snapshot: the command that opens the UI, and the address there."""
    return (
        f"evidently ui --workspace {workspace} --port {port}"
        f"  # then open {page(project, snapshot, at=f'http://127.0.0.1:{port}')}"
    )


def page(project: str, snapshot: str, *, at: str) -> str:
    """The address of a snapshot in an `evidently ui` that answers *at* this address."""
    return f"{at.rstrip('/')}/projects/{project_id(project)}/reports/{snapshot}"
