"""Keys that have another name now: they work through one release.

A part of the spec says in `former` what its keys were called. What the ledger or a version's files hold says so by
`accepts_former`, and is read without a word: nobody has to mend it.
"""

from __future__ import annotations

import typing
import warnings
from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

from pydantic import BaseModel, model_validator

from .wording import Place, dotted

GONE_WITH = "0.3"
_Content = TypeVar("_Content")


class FormerKey(FutureWarning):
    """A key of a file is called otherwise now."""


def renamed(former: Mapping[str, str], content: object) -> object:
    """*content* with its *former* keys (former: present) under their present names.

    Raises ValueError if a key is there under both.
    """
    if not isinstance(content, Mapping) or not any(name in content for name in former):
        return content
    for name, now in former.items():
        if name in content and now in content:
            raise ValueError(f"`{name}` is the former name of `{now}`; expected one of them, found both")
    return {former.get(name, name): value for name, value in content.items()}


def accepts_former(**former: str) -> object:
    """A validator for the body of a model: its fields are read under *former* names (former=present) too."""

    def read(cls: type[BaseModel], content: object) -> object:
        return renamed(former, content)

    return model_validator(mode="before")(read)


def former_attribute(name: str, now: str) -> property:
    """An attribute's former *name*, for the body of a class: it has the value of *now*, and warns."""

    def read(owner: object) -> object:
        warnings.warn(
            f"{type(owner).__name__}.{name} is {now} now; its former name goes with {GONE_WITH}",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(owner, now)

    return property(read)


def former_keys(content: object, model: type[BaseModel], place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Each former key in *content*, which should fit *model*: where it stands, and its present name."""
    if not isinstance(content, Mapping):
        return
    former: Mapping[str, str] = getattr(model, "former", {})
    for name, now in former.items():
        if name in content and now not in content:
            yield (*place, name), now
    for name, field in model.model_fields.items():
        inner = content.get(name)
        for part in _parts(field.annotation):
            yield from former_keys(inner, part, (*place, name))
            for number, each in enumerate(inner if isinstance(inner, list) else ()):
                yield from former_keys(each, part, (*place, name, number))


def _parts(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in typing.get_args(annotation):
        yield from _parts(each)


def with_present_keys(
    content: _Content, lines: dict[Place, int], file: str, model: type[BaseModel]
) -> tuple[_Content, dict[Place, int], list[str]]:
    """*content* of *file* and its *lines* with all keys under their present names, and a sentence for each former."""
    told: list[str] = []
    for place, now in list(former_keys(content, model)):
        present = (*place[:-1], now)
        told.append(
            f"{file}:{lines.get(place, 1)}: `{dotted(place)}` is called `{dotted(present)}` now; "
            f"the former key goes with {GONE_WITH}."
        )
        content = cast(_Content, _moved(content, place, now))
        lines = {
            (*present, *each[len(place) :]) if each[: len(place)] == place else each: line
            for each, line in lines.items()
        }
    return content, lines, told


def _moved(content: object, place: Place, now: str) -> object:
    """*content*, copied along *place* (YAML's aliases share values), with the key there called *now*."""
    first, *others = place
    if isinstance(content, list):
        return [_moved(each, tuple(others), now) if at == first else each for at, each in enumerate(content)]
    if not isinstance(content, dict):
        return content
    if not others:
        return {now if name == first else name: value for name, value in content.items()}
    return {name: _moved(value, tuple(others), now) if name == first else value for name, value in content.items()}


def warn_of_former_keys(told: list[str], stacklevel: int = 2) -> None:
    """A warning for each sentence of `with_present_keys`."""
    for each in told:
        warnings.warn(each, FormerKey, stacklevel=stacklevel + 1)
