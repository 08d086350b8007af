"""What is known of a source's files as long as they stand still: kept beside the stores, found again by the next look.

Some things can only be told by reading every row: whether an id comes twice, whether a row has no time. They are
worked out once for a set of files and kept under each file's path, size and time of change; when files are only
added, the new ones alone are read whole. The file of facts is small, is replaced as a whole (so that a reader finds
the old one or the new one), and carries a digest: one that is torn, edited or of another version counts as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

_VERSION = 3
_SETTLED = 2.0  # seconds: a file that changed a moment ago may change again without its time telling

File = tuple[str, int, int]  # path, size in bytes, time of change in nanoseconds


@dataclass(frozen=True)
class Facts:
    """Of all rows of a set of *files*: *unplaced* have no time that can be read; *copies* are the ids that come
    more than once, each with its first time, and *surplus* how many rows they have beyond one each. *copies* is None
    if they are too many to be kept. *in_order*: no label is dated before its row. *sound*: every value can be read
    as its role asks. *named*: every row has an id."""

    files: tuple[File, ...]
    unplaced: int
    copies: tuple[tuple[str, datetime], ...] | None
    surplus: int
    in_order: bool
    named: bool
    sound: bool = True


@dataclass(frozen=True)
class FactsFile:
    """The facts of one question (*asked*: what the columns mean) in *folder*; nothing is written without the folder."""

    folder: Path
    asked: str

    @property
    def path(self) -> Path:
        return self.folder / "facts" / f"{hashlib.sha256(self.asked.encode()).hexdigest()[:16]}.json"

    def read(self) -> Facts | None:
        """What was kept last; None if there is nothing, or it cannot be trusted."""
        try:
            held = json.loads(self.path.read_text(encoding="utf-8"))
            body = held["facts"]
            if held["version"] != _VERSION or held["asked"] != self.asked or held["digest"] != _digest(body):
                return None
            copies = body["copies"]
            return Facts(
                files=tuple((str(p), int(s), int(t)) for p, s, t in body["files"]),
                unplaced=int(body["unplaced"]),
                copies=None if copies is None else tuple((str(i), datetime.fromisoformat(t)) for i, t in copies),
                surplus=int(body["surplus"]),
                in_order=bool(body["in_order"]),
                named=bool(body["named"]),
                sound=bool(body["sound"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, facts: Facts) -> None:
        """Keep *facts* for the next look, unless a file changed only now or has changed since it was read.

        A folder that cannot be written costs the next look its time, and nothing else.
        """
        if not self.folder.is_dir() or stamps([Path(p) for p, _, _ in facts.files]) != facts.files:
            return
        if max((t for _, _, t in facts.files), default=0) > (time.time() - _SETTLED) * 1e9:
            return
        body = asdict(facts) | {
            "copies": None if facts.copies is None else [(each, at.isoformat()) for each, at in facts.copies]
        }
        body = json.loads(json.dumps(body))
        text = json.dumps({"version": _VERSION, "asked": self.asked, "digest": _digest(body), "facts": body})
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
        try:
            self.path.parent.mkdir(exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)


def stamps(files: list[Path]) -> tuple[File, ...] | None:
    """Path, size and time of change of each file; None if one of them is gone."""
    try:
        found = [(str(each), each.stat()) for each in files]
    except OSError:
        return None
    return tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in found)


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
