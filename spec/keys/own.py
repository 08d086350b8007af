"""Code of a team's own that the spec names: `file.py:Name` beside it, or an entry point, with its settings."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ConfigDict, Field

from .part import Part
from .relative import FileEntry


class OwnSpec(Part):
    """What to use; every other key than `use` is a setting that it is made with."""

    model_config = ConfigDict(extra="allow")

    use: FileEntry = Field(
        min_length=1, description="`file.py:Name` beside the spec, or the name of an entry point of its group"
    )

    @property
    def settings(self) -> Mapping[str, object]:
        """The keyword arguments that it is made with."""
        return self.model_extra or {}


def named(value: object) -> object:
    """A bare name is `use`."""
    return {"use": value} if isinstance(value, str) else value
