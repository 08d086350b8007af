"""YAML text as plain values and the line of each; hostile and absurd text is refused before it costs time or memory.

A short text can stand for a billion nodes (aliases of aliases), and nesting can go deeper than a reader's stack: both
are counted on the stream of events, which is flat. The limits lie far above what a spec that people write can reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from .errors import SpecError
from .wording import Place, cut, dotted

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast
MOST_BYTES = 1_000_000
MOST_NODES = 50_000
MOST_DEPTH = 40
MOST_NUMBER = 1e15
MOST_CHARACTERS = 10_000
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_LONG = 20


def read_text(file: Path, path: str | Path) -> str:
    """The text of *file*, which the user named as *path*.

    Raises SpecError where it cannot be read, is no UTF-8, or is larger than any spec.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise SpecError(f"{path}: it cannot be read: {error.strerror}.") from None
    if len(content) > MOST_BYTES:
        raise SpecError(f"{path}: it is larger than {MOST_BYTES:,} bytes; expected a spec, which is a page or two.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: it is not text in UTF-8 (byte {error.start}). Save it so.") from None


def parsed(text: str, file: str) -> tuple[object, dict[Place, int]]:
    """The values in YAML *text*, and the line of every key and item.

    Raises SpecError, naming *file* and line, where it is no YAML, is empty, repeats a key, holds tags or values that
    YAML cannot make, or goes beyond the limits above.
    """
    try:
        _bounded(text, file)
        node = yaml.compose(text, Loader=LOADER)
        if node is None:
            raise SpecError(f"{file}: the file is empty. `ratoon init DIR` writes one that works.")
        lines = dict(_lines(node, (), file))
        return yaml.load(text, Loader=LOADER), lines  # noqa: S506 - a safe loader, as above
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise SpecError(f"{file}{where}: no valid YAML: {cut(str(getattr(error, 'problem', error)))}.") from None
    except ValueError as error:  # such as a date that is none
        raise SpecError(f"{file}: no valid YAML: {cut(str(error))}. Write text between quotes.") from None


def top_keys(text: str) -> frozenset[str]:
    """The keys of the outermost mapping; none where there is no such thing, or no YAML. Values are not looked at."""
    found: list[str | None] = []  # keys and values in turn
    depth = 0
    try:
        for event in yaml.parse(text, Loader=LOADER):
            if depth == 0 and isinstance(event, yaml.ScalarEvent | yaml.SequenceStartEvent):
                break
            if depth == 1 and isinstance(event, yaml.NodeEvent):
                found.append(event.value if isinstance(event, yaml.ScalarEvent) else None)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError:
        return frozenset()
    return frozenset(key for key in found[::2] if key is not None)


def _bounded(text: str, file: str) -> None:
    """Refuse what would unfold into too many nodes or nests too deep."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []  # anchor, and the nodes before it
    nodes = 0
    for event in yaml.parse(text, Loader=LOADER):
        where = f"{file}:{event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent):
            name = event.anchor or ""
            if any(anchor == name for anchor, _ in open_nodes):
                raise SpecError(f"{where}: the alias *{cut(name)} stands inside of what it names.")
            nodes += sizes.get(name, 1)
        elif isinstance(event, yaml.NodeEvent):
            nodes += 1
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, nodes - 1))
            elif event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = nodes - before
        if len(open_nodes) > MOST_DEPTH:
            raise SpecError(f"{where}: it is nested more than {MOST_DEPTH} deep; a spec needs six.")
        if nodes > MOST_NODES:
            raise SpecError(
                f"{where}: with its aliases it holds more than {MOST_NODES:,} values; a spec needs hundreds."
            )


def _lines(node: yaml.Node, path: Place, file: str) -> Iterator[tuple[Place, int]]:
    """Yield the line of every key and item; refuse a key that is written twice (YAML keeps the last silently)."""
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            where = f"{file}:{key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise SpecError(f"{where}: {dotted(path) or 'spec'}: found a list or keys as a key; expected a word.")
            if key.value in seen:
                raise SpecError(f"{where}: {cut(dotted((*path, key.value)))} is written twice.")
            seen.add(key.value)
            yield from _lines(value, (*path, key.value), file)
            yield (*path, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*path, index), file)
    else:
        where = f"{file}:{node.start_mark.line + 1}: {cut(dotted(path)) or 'spec'}"
        if len(node.value) > MOST_CHARACTERS:
            raise SpecError(f"{where}: found {len(node.value):,} characters; expected {MOST_CHARACTERS:,} or fewer.")
        if node.tag in _NUMBERS and not abs(_number(node.value)) <= MOST_NUMBER:
            raise SpecError(f"{where}: found {cut(node.value, 30)}; no number in a spec is beyond {MOST_NUMBER:g}.")


def _number(text: str) -> float:
    """A YAML number of any writing, as far as it is needed to tell whether it is too large."""
    try:
        return float(text.replace("_", "").replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf"))
    except ValueError:  # hexadecimal, octal, sixty by sixty: short, or no number that anybody means
        return 0.0 if len(text) < _LONG else float("inf")
