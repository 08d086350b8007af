"""Files of an Evidently workspace, written so that an `evidently ui` that is running shows them at once.

The UI watches its folder and looks at each event's first path alone: a file that is renamed into place is never
noticed. So a new file is a link to its finished draft (an event "created"), and one that replaces another is
touched after the renaming ("modified"). Either way a reader finds the old file or the new one, never half of one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evidently.pydantic_utils import BaseModel
    from evidently.sdk.models import DashboardModel

_OURS = "ratoon.json"  # the digest of the dashboard as we wrote it: any other one is a person's work
_PERFORMANCE = "Performance: "
_FIRST = {"Drifted columns", "Broken data", "Drift of each column", "Rows", "Drop"}  # panels of our first dashboard


def put(path: Path, model: BaseModel) -> None:
    """Write an Evidently model as JSON, whole or not at all. Raises OSError where that cannot be done."""
    _put_text(path, _text(model))


def put_dashboard(folder: Path, wanted: DashboardModel) -> None:
    """Let the dashboard of the project in *folder* be *wanted*, unless a person changed it meanwhile.

    Deleting `dashboard.json` brings ours back with the next window.
    """
    from evidently.ui.storage.local.base import DASHBOARD_FILE_NAME

    file, note, text = folder / DASHBOARD_FILE_NAME, folder / _OURS, _text(wanted)
    there = file.read_text(encoding="utf-8") if file.exists() else None
    if there == text or (there is not None and not _is_ours(there, note)):
        return
    if there is not None and not note.exists():
        _name_metric(folder, there)
    _put_text(note, json.dumps({"dashboard": _digest(text), "was": _digest(there or "")}))
    _put_text(file, text)


def _is_ours(there: str, note: Path) -> bool:
    """Whether nobody touched what we wrote; `was` covers a process killed between the two files."""
    if note.exists():
        known = json.loads(note.read_text(encoding="utf-8"))
        return _digest(there) in (known["dashboard"], known["was"])
    try:
        titles = [panel["title"] for panel in json.loads(there)["panels"]]
    except (ValueError, KeyError, TypeError):
        return False
    return len(titles) == len(_FIRST) + 1 and set(titles) > _FIRST


def _name_metric(folder: Path, there: str) -> None:
    """Give the performance lines of an old project's snapshots their metric's name, by which they are drawn now."""
    from evidently.ui.storage.local.base import SNAPSHOTS_DIR_NAME

    titles = (str(panel["title"]) for panel in json.loads(there)["panels"])
    metric = next((title.removeprefix(_PERFORMANCE) for title in titles if title.startswith(_PERFORMANCE)), None)
    for file in (folder / SNAPSHOTS_DIR_NAME).glob("*.json") if metric else ():
        text = file.read_text(encoding="utf-8")
        named = re.sub(r'("measure": "performance_\w+", "of": )""', lambda m: m[1] + json.dumps(metric), text)
        if named != text:
            _put_text(file, named)


def _text(model: BaseModel) -> str:
    from evidently.legacy.utils import NumpyEncoder

    return json.dumps(model.dict(), cls=NumpyEncoder)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _put_text(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.draft")
    draft.write_text(text, encoding="utf-8")
    try:
        os.link(draft, path)
    except OSError:  # it exists, or this file system knows no links
        draft.replace(path)
        os.utime(path)
    else:
        draft.unlink()
