"""What the flows need of Prefect: Prefect's own, or plain stand-ins where a command runs without (`embedding`).

The one place that decides; every flow imports from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .embedding import without_prefect

PREFECT = not without_prefect()

if TYPE_CHECKING or PREFECT:
    from prefect import State, flow, get_run_logger, task
    from prefect.artifacts import (
        create_link_artifact,
        create_markdown_artifact,
        create_progress_artifact,
        create_table_artifact,
        update_progress_artifact,
    )
    from prefect.cache_policies import NO_CACHE
    from prefect.client.orchestration import get_client
    from prefect.events import emit_event
    from prefect.runtime import deployment, flow_run
else:
    from .plain import (
        NO_CACHE,
        State,
        create_link_artifact,
        create_markdown_artifact,
        create_progress_artifact,
        create_table_artifact,
        deployment,
        emit_event,
        flow,
        flow_run,
        get_client,
        get_run_logger,
        task,
        update_progress_artifact,
    )

__all__ = [
    "NO_CACHE",
    "PREFECT",
    "State",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "deployment",
    "emit_event",
    "flow",
    "flow_run",
    "get_client",
    "get_run_logger",
    "task",
    "update_progress_artifact",
]
