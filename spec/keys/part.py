"""What every part of a spec has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from ..former_keys import renamed


class Part(BaseModel):
    """A frozen part of the spec; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
    former: ClassVar[Mapping[str, str]] = {}  # keys of earlier releases, with their present names

    @model_validator(mode="before")
    @classmethod
    def _from_former_keys(cls, content: object) -> object:
        return renamed(cls.former, content)
