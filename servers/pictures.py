"""Evidently's UI shows a window that was kept after it started only when it is asked to read its folder again."""

from __future__ import annotations

import urllib.request
from pathlib import Path


class Pictures:
    """Asks the UI at *address* to read the projects below *workspace* again whenever they grew."""

    def __init__(self, workspace: Path, address: str) -> None:
        self._workspace = workspace
        self._address = address
        self._seen = self._count()

    def refresh(self) -> bool:
        """Returns False where the UI does not know a new project yet: only its own start reads those."""
        now = self._count()
        grown = [project for project, count in now.items() if self._seen.get(project) != count]
        known = True
        for project in grown:
            try:
                address = f"{self._address}/api/projects/{project}/reload"
                with urllib.request.urlopen(address, timeout=60):  # noqa: S310 - http of our own server
                    self._seen[project] = now[project]
            except OSError:
                known = False
        return known

    def restarted(self) -> None:
        """The UI has just read everything."""
        self._seen = self._count()

    def _count(self) -> dict[str, int]:
        return {
            each.parent.name: sum(1 for _ in (each.parent / "snapshots").glob("*.json"))
            for each in self._workspace.glob("*/metadata.json")
        }
