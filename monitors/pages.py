"""Snapshots as whole HTML files, for those who judge a version without opening the workspace."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from .workspace import project_id


def reports_of(workspace: Path, project: str, snapshots: Sequence[str]) -> dict[str, str]:
    """File name to self-contained HTML (about 4 MB each) of the kept *snapshots*; those not found are left out.

    A workspace on another machine, or one that was tidied up, must not stop a registration.
    """
    from evidently.core.report import Snapshot
    from evidently.ui.storage.local.base import SNAPSHOTS_DIR_NAME

    pages = {}
    for snapshot in snapshots:
        file = Path(workspace) / project_id(project) / SNAPSHOTS_DIR_NAME / f"{snapshot}.json"
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8")
        title = re.sub(r"[^a-z0-9]+", "-", str(json.loads(text)["tags"][0]).lower())
        pages[f"{title}.html"] = Snapshot.loads(text).get_html_str(as_iframe=False)
    return pages
