"""MkDocs hook: the reference is made from the code at each build, so that it cannot be stale."""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Iterator
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel

from ratoon.spec.duration import format_duration
from ratoon.spec.keys.rules import Persist


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def pages() -> dict[str, str]:
    """Each generated page's name and Markdown."""
    return {
        "spec": _spec(),
        "commands": _commands(),
        "variables": _variables(),
        "events": _events(),
        "settings": _settings(),
    }


def _spec() -> str:
    from ratoon.spec.model import Spec

    lines = [
        "# The spec",
        "",
        "One YAML file describes one model under care.",
        "Unknown keys are refused with the nearest known one.",
        "Lengths of time are written as `15m`, `36h`, `7d` or `2w`; relative paths start at the spec's folder.",
        "",
    ]
    return "\n".join([*lines, *_model_table(Spec, "")])


def _model_table(model: type[BaseModel], prefix: str) -> Iterator[str]:
    if prefix:
        yield f"## `{prefix}`"
        yield ""
        yield (inspect.getdoc(model) or "").split("\n\n")[0].replace("\n", " ")
        yield ""
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    parts: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        below = f"{prefix}.{key}" if prefix else key
        parts += [(below, each) for each in _models(field.annotation)]
        default = (
            "required"
            if field.is_required()
            else _written(field.get_default(call_default_factory=True, validated_data={}))
        )
        yield _row(f"`{key}`", _type(field), default, field.description or _about(field.annotation))
    yield ""
    for below, each in parts:
        if each.__name__ not in ("Persist", "Quiet"):  # written as text: `2 of 3`, `22:00-06:00`
            yield from _model_table(each, below)


def _commands() -> str:
    from typer.main import get_command

    from ratoon.cli.main import app

    lines = ["# Commands", "", "Exit codes: 0 done, 1 failed or refused, 2 bad input.", ""]
    return "\n".join([*lines, *_group(get_command(app), "ratoon")])


def _group(command: Any, name: str) -> Iterator[str]:
    for each, sub in sorted(command.commands.items()):
        if hasattr(sub, "commands"):
            yield from _group(sub, f"{name} {each}")
            continue
        shown = " ".join(_argument(p) for p in sub.params if p.param_type_name == "argument")
        yield from (f"## {name} {each}", "", f"`{name} {each} {shown}`".replace(" `", "`"), "", sub.help or "", "")
        if sub.epilog:
            yield from (sub.epilog.replace("Example: ", "Example: `", 1) + "`", "")
        yield from ("| option | default | meaning |", "|---|---|---|")
        for option in sub.params:
            if getattr(option, "hidden", False):
                continue  # a former name
            names = ", ".join(f"`{o}`" for o in [*option.opts, *option.secondary_opts])
            if option.param_type_name == "argument":
                names = f"`{_argument(option)}`"
            empty = option.default in (None, "", False, ()) or callable(option.default)
            default = "required" if option.required else "" if empty else f"`{_shown(option)}`"
            yield _row(names, default, getattr(option, "help", None) or "")
        yield ""


def _shown(option: Any) -> str:
    """A default as it is typed: a switch that is on by its name."""
    return option.opts[0] if option.default is True else str(option.default)


def _argument(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _variables() -> str:
    from ratoon.policy.rules.variables import VARIABLES

    lines = [
        "# Variables of rules",
        "",
        "Conditions (`when`) are CEL expressions over these variables.",
        "A variable that could not be measured has no value in that window: a rule that needs it does not hold, and "
        "`has(performance.drop)` asks.",
        "`ratoon policy explain SPEC` prints their present values.",
        "",
        "| variable | type | meaning | example |",
        "|---|---|---|---|",
    ]
    rows = [_row(f"`{n}`", v.type, v.meaning, f"`{json.dumps(v.example)}`") for n, v in VARIABLES.items()]
    return "\n".join([*lines, *rows, ""])


def _events() -> str:
    from ratoon.loop.events import HAPPENINGS

    lines = [
        "# Events",
        "",
        "Each of these is a Prefect event; its resource is `ratoon.model.NAME`, its payload the fields below.",
        "Events are for people and programs that want to hear of something; the truth is the ledger.",
        "",
    ]
    for each in HAPPENINGS:
        about = (inspect.getdoc(each) or "").replace("\n", " ")
        lines += [f"## `{each.event}`", "", about, "", "| field | type | default | meaning |", "|---|---|---|---|"]
        for name, field in each.model_fields.items():
            default = "required" if field.is_required() else _written(field.default)
            lines.append(_row(f"`{name}`", _type(field), default, field.description or ""))
        lines.append("")
    return "\n".join(lines)


def _settings() -> str:
    from ratoon.servers.settings import Settings

    lines = [
        "# Settings of the servers",
        "",
        "Read from the environment.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = _written(field.get_default(call_default_factory=True))
        lines.append(_row(f"`RATOON_{name.upper()}`", default, field.description or ""))
    return "\n".join([*lines, ""])


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _about(annotation: Any) -> str:
    found = _models(annotation)
    return (inspect.getdoc(found[0]) or "").split("\n\n")[0] if found else ""


def _models(annotation: Any) -> list[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for inner in typing.get_args(annotation) for each in _models(inner)]


def _written(value: Any) -> str:
    if value is None or value == "" or value == ():
        return ""
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    if isinstance(value, Persist):
        return f"`{value.k} of {value.n}`"
    if isinstance(value, BaseModel):
        kept = value.model_dump(mode="json", exclude_none=True)
        return f"`{json.dumps(kept)}`" if len(json.dumps(kept)) < 60 else "as below"
    if isinstance(value, tuple):
        if any(isinstance(each, BaseModel) for each in value):
            return "; ".join(f"`{json.dumps(each.model_dump(mode='json', exclude_defaults=True))}`" for each in value)
        return f"`{json.dumps(list(value), default=str)}`"
    return f"`{value if isinstance(value, str | PurePath) else json.dumps(value, default=str)}`"


def _type(field: Any) -> str:
    least = [f"{sign} {getattr(m, name):g}" for m in field.metadata for name, sign in _BOUNDS if _number(m, name)]
    return ", ".join([_kind(field.annotation), *least])


_BOUNDS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))


def _number(bound: Any, name: str) -> bool:
    return isinstance(getattr(bound, name, None), int | float)


_NAMES = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "timedelta": "length",
    "datetime": "time",
}


def _kind(annotation: Any) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(inner[0])
    if origin is typing.Literal:
        return " or ".join(f"`{each}`" for each in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind(each) for each in inner if each is not type(None)))
    if origin is tuple:
        return f"list of {_kind(inner[0])}" if inner[-1] is Ellipsis else f"[{', '.join(map(_kind, inner))}]"
    if origin is dict:
        return "keys and values"
    name = getattr(annotation, "__name__", str(annotation))
    written = {"Persist": "`k of n`", "Quiet": "hours such as `22:00-06:00`"}
    return written.get(name) or ("keys" if _models(annotation) else _NAMES.get(name, name))
