"""Keys of the spec that name files: relative paths start from the spec's folder, and outlive its move to another.

A key is of one of these types, and nothing else is to be done: `with_absolute_paths` finds it by its type.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainSerializer, SerializationInfo

if TYPE_CHECKING:  # it has keys of these types
    from ..model import Spec

LOG = "log"  # in the place of files: Ratoon's own log of what was served and labelled
_FOLDER = "folder"


def _path(value: str | None, info: SerializationInfo) -> str | None:
    folder: Path | None = (info.context or {}).get(_FOLDER)
    if folder is None or value is None or "://" in value:
        return value
    return str(folder / os.path.expanduser(value))  # noqa: PTH111  # Path.expanduser raises for a `~name` of nobody's


def _entry(value: str, info: SerializationInfo) -> str:
    file, colon, name = value.rpartition(":")
    return f"{_path(file, info)}:{name}" if colon and re.fullmatch(r".+\.py", file) else value


def _rows(value: str | None, info: SerializationInfo) -> str | None:
    return value if value == LOG else _path(value, info)


FilePath = Annotated[str, PlainSerializer(_path)]  # a file, a folder, or a glob of files
RowsPath = Annotated[str, PlainSerializer(_rows)]  # a glob of files, or the word `log`
FileEntry = Annotated[str, PlainSerializer(_entry)]  # file.py:name; a word without a file stays as it is


def with_absolute_paths(spec: Spec) -> dict[str, Any]:
    """The keys that *spec* sets, for a copy of it in another folder: whatever names a file names the same one there."""
    return spec.model_dump(mode="json", exclude_unset=True, context={_FOLDER: spec.folder})
