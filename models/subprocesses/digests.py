"""A digest of each of a version's files, made when it was registered: what was torn or edited since is named by it.

The digests stand in the version's tag `ratoon.files`, so that whoever may write the files alone cannot change them
too; the digest of all of them together stands in the ledger (see `Witness` in versions.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...spec.errors import RegistryError

FILES = "ratoon.files"  # the tag
_MOST = 4_500  # characters: a tag holds 5,000 on PostgreSQL and MySQL
_META, _BYTECODE = "registered_model_meta", "__pycache__"  # MLflow and Python write them when a version is served
_PURPOSE = {
    "extra_files/training_state.json": "its training state",
    "extra_files/example.json": "what it predicted for its own example",
    "extra_files/replay_reservoir.parquet": "its replay reservoir",
    "extra_files/reference_profile.json": "the profile of its reference window",
    "extra_files/gate.json": "what its gate found",
    "MLmodel": "MLflow's description of it",
}


@dataclass(frozen=True)
class Digests:
    """SHA-256 by relative path; a folder of many files has one for all that is in it, and ends with `/`."""

    by_path: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path) -> Digests:
        """Of all files below *folder*; RegistryError for a symbolic link, whose target is not part of the version."""
        found = {path.relative_to(folder).as_posix(): _sha256(path) for path in _files(folder)}
        return cls(_shortened(found))

    @classmethod
    def read(cls, text: str) -> Digests:
        """From a tag; RegistryError where it holds none."""
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise RegistryError(f"the tag {FILES} holds no digests of files, but {text[:60]!r}; it was edited")
        return cls(found)

    @property
    def text(self) -> str:
        """As a tag holds it: at most 5,000 characters."""
        return json.dumps(dict(sorted(self.by_path.items())), separators=(",", ":"))

    @property
    def whole(self) -> str:
        """One digest of them all, as the ledger holds it."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def changed(self, now: Digests) -> str | None:
        """What differs *now*, in half a sentence that names the first files; None where nothing does."""
        was, found = self.by_path, now.by_path
        said = [
            *(f"{named(each)} is gone" for each in sorted(was.keys() - found.keys())),
            *(f"{named(each)} was added" for each in sorted(found.keys() - was.keys())),
            *(
                f"{named(each)} is not as it was registered (sha256 {found[each][:12]}…, then {was[each][:12]}…)"
                for each in sorted(was.keys() & found.keys())
                if was[each] != found[each]
            ),
        ]
        if not said:
            return None
        return "; ".join(said[:3]) + (f"; and {len(said) - 3} more" if len(said) > 3 else "")


@dataclass(frozen=True)
class Checked:
    """The *folder* of a version whose files were compared with *digests*, None where it has none (an older version).

    *known*: Ratoon logged exactly these files, so that code among them is the one that its user let in. *strange*: the
    ledger holds digests of earlier versions and none of this one, so that somebody else made it.
    """

    folder: Path
    digests: Digests | None = None
    known: bool = False
    strange: bool = False

    def again(self) -> None:
        """Compare once more, just before code among the files runs; RegistryError where one was changed meanwhile."""
        changed = self.digests.changed(Digests.of(self.folder)) if self.digests is not None else None
        if changed:
            raise RegistryError(f"the version in {self.folder}: {changed}. Its code was not run; nothing was changed")


def compared(folder: Path, tag: str | None, recorded: str | None) -> Checked:
    """The files in *folder*, once they are those of the version's *tag* and of what the ledger *recorded*.

    Raises RegistryError that says what differs. Without either nothing can be compared.
    """
    now = Digests.of(folder)
    if tag is not None and (changed := Digests.read(tag).changed(now)):
        raise RegistryError(changed)
    if recorded is not None and recorded != now.whole:
        raise RegistryError(
            f"its files are not those whose digest the ledger holds ({recorded[:12]}…, found {now.whole[:12]}…)"
            + (f"; the tag {FILES} was changed with them" if tag is not None else "")
        )
    return Checked(folder) if tag is None and recorded is None else Checked(folder, now, known=True)


def named(path: str) -> str:
    """A file of a version, with what it is for."""
    return f"{path} ({_PURPOSE[path]})" if path in _PURPOSE else path


def inside(folder: Path, name: str, what: str) -> Path:
    """The file or folder *name* of the version in *folder*; RegistryError where it would lie outside of it."""
    found = folder / name
    if not found.resolve().is_relative_to(folder.resolve()):
        raise RegistryError(
            f"{what}: MLmodel names {name!r}, which is outside of the version's own files. Nothing was loaded"
        )
    return found


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(each for each in folders if each != _BYTECODE or (here / each).is_symlink())
        for name in (*folders, *sorted(files)):
            path = here / name
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise RegistryError(
                    f"{path.relative_to(folder).as_posix()} is a symbolic link or no plain file, which a version never "
                    "holds. Nothing was loaded"
                )
            if path.is_file() and not (here == folder and name == _META):
                yield path


def _sha256(path: Path) -> str:
    known = path.stat()
    return _digest(str(path), known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns)


@lru_cache(maxsize=8_192)
def _digest(path: str, *_changes_with_the_file: int) -> str:
    with Path(path).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _shortened(found: dict[str, str]) -> dict[str, str]:
    """*found*, with one digest for each of the fullest top-level folders until all fit into a tag."""
    while len(Digests(found).text) > _MOST:
        tops = [path.split("/")[0] for path in found if "/" in path[:-1]]
        if not tops:
            return {"/": Digests(found).whole}
        top = max(sorted(set(tops)), key=tops.count)
        below = {path: digest for path, digest in found.items() if path.startswith(f"{top}/")}
        found = {path: digest for path, digest in found.items() if path not in below}
        found[f"{top}/"] = Digests(below).whole
    return found
