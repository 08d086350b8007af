"""What of a model is too old to be kept, and removing it.

Never the ledger, a version or its files. Evidence (snapshots and HTML) stays for versions that have an alias, that a
roll-back may go back to, or that nobody has reviewed yet. Safe beside looks and trainings: what these read is younger
than the shortest age that the spec takes. Done again, it finds nothing more.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from ..ledger.ledger import Ledger
from ..models.registry.mlflow_registry import Registry
from ..models.registry.versions import Version
from ..monitors.evidently.workspace import project_id
from ..spec.errors import RegistryError
from ..spec.keys.retention import RetentionSpec
from ..spec.values import Value
from .context import Stores
from .review.unapproved import NOTICED

Kind = Literal["snapshots", "html", "logs", "runs", "caches"]
_UP = "RATOON_UP"  # in the environment of all that `ratoon up` started: its home, where the logs are


class Removed(Value):
    """What of one *kind* was removed, or would be: how many, how many bytes, and what could not be, with why."""

    kind: Kind
    count: int = 0
    bytes: int = 0
    kept: int = 0  # as old, and kept since a reviewer or a roll-back may need it
    failed: tuple[str, ...] = ()


@dataclass
class _Tally:
    kind: Kind
    count: int = 0
    size: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)

    def take(self, size: int, remove: Callable[[], object], what: str) -> None:
        """Remove something, and count it; what cannot be removed is said and stays."""
        try:
            remove()
        except FileNotFoundError:  # another was faster
            return
        except (OSError, RegistryError) as error:
            self.failed.append(f"{what}: {error}")
            return
        self.count += 1
        self.size += size

    @property
    def told(self) -> Removed:
        return Removed(
            kind=self.kind, count=self.count, bytes=self.size, kept=self.kept, failed=tuple(self.failed[:20])
        )


def prune(context: Stores, now: datetime, *, dry: bool = False) -> list[Removed]:
    """Remove what is older than the spec's ages at *now*, by the clock on the wall; *dry*: only count it.

    Snapshots, HTML, logs and caches; Prefect's runs are the flows' matter.
    """
    ages = context.spec.retention or RetentionSpec()
    needed = still_needed(context, ages.champions)
    found = []
    if ages.snapshots is not None:
        found.append(_snapshots(context, now - ages.snapshots, needed, dry))
    if ages.html is not None:
        found.append(_html(context, now, ages.html, needed, dry))
    if ages.logs is not None:
        home = Path(os.environ[_UP]) if _UP in os.environ else context.stores.home
        found.append(_logs(home / "logs", now - ages.logs, ages.log_size, dry))
    if ages.caches is not None:
        backtest = context.stores.home / "backtest"
        folders = [context.stores.home / "facts", backtest, *sorted(backtest.glob("fits-*"))]
        found.append(_files("caches", folders, "*", now - ages.caches, dry))
    return found


def prune_if_due(context: Stores, prune_all: Callable[[Stores], list[Removed]]) -> tuple[str, ...]:
    """Call *prune_all* once in `retention.every`, if the spec has that section; what was removed, in words.

    It never stops a look: what cannot be removed is said, and tried again the next time.
    """
    ages = context.spec.retention
    if ages is None:
        return ()
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", context.spec.model)
    mark = context.stores.home / f"pruned-{name}"
    try:
        if mark.exists() and time.time() - mark.stat().st_mtime < ages.every.total_seconds():
            return ()
        mark.touch()
        os.utime(mark)
        found = prune_all(context)
    except Exception as error:  # the stores' libraries raise what they like, and a look must go on
        context.listener.warning(f"Nothing, or not all, that is too old was removed: {error}")
        return ()
    for each in found:
        for said in each.failed:
            context.listener.warning(f"Too old, and cannot be removed: {said}")
    return tuple(f"removed {each.count} old {each.kind} ({each.bytes:,} bytes)" for each in found if each.count)


def still_needed(context: Stores, champions: int) -> dict[str, Version]:
    """The versions whose evidence stays, by number: a review, an alias or a roll-back may look at it."""
    registry, ledger, model = context.registry, context.ledger, context.spec.model
    served = list(dict.fromkeys(p.version for p in reversed(ledger.promotions.of(model)) if p.kind not in NOTICED))
    flying = {each.decision for each in ledger.runs.of(model) if each.outcome == "running"}
    return {
        version.number: version
        for version in registry.versions()
        if version.aliases
        or version.number in served[:champions]
        or version.decision in flying
        or _unreviewed(version, ledger, served)
    }


def _unreviewed(version: Version, ledger: Ledger, served: list[str]) -> bool:
    """Whether a gate offered *version* to a reviewer who has neither let it serve nor rejected it."""
    if version.meta.gate != "passed" or version.number in served:
        return False
    reviewed = {each.version for each in ledger.reviews.of(version.model)}
    return not version.meta.rejected and version.number not in reviewed


def _snapshots(context: Stores, before: datetime, needed: dict[str, Version], dry: bool) -> Removed:
    tally = _Tally("snapshots")
    shown = {each for v in needed.values() for each in v.meta.snapshots}
    folder = Path(context.stores.workspace) / project_id(context.spec.model) / "snapshots"
    for path, size in _old(folder, "*.json", before):
        if path.stem in shown:
            tally.kept += 1
        else:
            tally.take(size, path.unlink if not dry else _nothing, path.name)
    return tally.told


def _html(context: Stores, now: datetime, age: timedelta, needed: dict[str, Version], dry: bool) -> Removed:
    from ..models.registry.old_reports import remove, reports

    tally = _Tally("html")
    registry = context.registry
    if not isinstance(registry, Registry):
        return tally.told
    for version in registry.versions():
        if version.created >= now - age:
            continue
        if version.number in needed:
            tally.kept += 1
        elif (old := reports(registry, version)) is not None:
            size = sum(each for _, each in old.files)
            before = tally.count
            tally.take(size, _nothing if dry else lambda o=old: remove(registry, o, now), f"v{version.number}")  # type: ignore[misc]
            tally.count += (len(old.files) - 1) * (tally.count - before)
    return tally.told


def _logs(folder: Path, before: datetime, most: int, dry: bool) -> Removed:
    """Empty old logs, and cut long ones to their end; none is unlinked, since its process holds it open to append."""
    tally = _Tally("logs")
    old = {path for path, _ in _old(folder, "*.log", before)}
    for path, size in _old(folder, "*.log", datetime.max):
        kept = 0 if path in old else most // 10 if size > most else size
        if kept < size:
            tally.take(size - kept, _nothing if dry else partial(_cut, path, kept), path.name)
    return tally.told


def _cut(path: Path, kept: int) -> None:
    """Leave the last *kept* bytes, from the beginning of a line; a line written meanwhile may be lost."""
    end = b""
    if kept:
        with path.open("rb") as log:
            log.seek(-kept, os.SEEK_END)
            end = log.read().partition(b"\n")[2]
    os.truncate(path, 0)
    with path.open("ab") as log:
        log.write(end)


def _files(kind: Kind, folders: list[Path], pattern: str, before: datetime, dry: bool) -> Removed:
    tally = _Tally(kind)
    for folder in folders:
        for path, size in _old(folder, pattern, before):
            tally.take(size, _nothing if dry else path.unlink, path.name)
    return tally.told


def _old(folder: Path, pattern: str, before: datetime) -> Iterator[tuple[Path, int]]:
    """Plain files right in *folder* that were last written before that moment; never what a link leads to."""
    with suppress(OSError):
        if folder.is_symlink() or not folder.is_dir():
            return
        for path in sorted(folder.glob(pattern)):
            with suppress(FileNotFoundError):
                known = path.lstat()
                written = datetime.fromtimestamp(known.st_mtime, UTC).replace(tzinfo=None)
                if stat.S_ISREG(known.st_mode) and written < before:
                    yield path, known.st_size


def _nothing() -> None:
    pass
