"""Options that several commands share, and a way to take many options as one value."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

DAY_OR_SECOND = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
MOMENT = [*DAY_OR_SECOND, "%Y-%m-%d %H:%M"]

SpecPath = Annotated[Path, typer.Argument(help="The model's spec (YAML).", metavar="SPEC")]
AsJson = Annotated[bool, typer.Option("--json", help="Print facts as JSON, for programs.")]
At = Annotated[
    datetime | None, typer.Option("--at", help="The moment to judge, as UTC; left out: now.", formats=MOMENT)
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")]
Actor = Annotated[str, typer.Option("--actor", envvar="USER", help="Who does it; kept in the ledger.")]
FirstMoment = Annotated[
    datetime | None, typer.Option("--start", help="First moment; left out: where a third of the data is known.")
]
LastMoment = Annotated[datetime | None, typer.Option("--end", help="Last moment; left out: the end of the data.")]


def takes(options: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command every field of the dataclass *options* as an option; it is called with one value of that type.

    The command's last parameter takes the value; those before it stay arguments of their own. Typer reads options
    from a function's signature alone, so that a command with many of them would have as many parameters.
    """
    hints = get_type_hints(options, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    of_fields = [
        inspect.Parameter(
            field.name,
            keyword,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(options)
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        *own, last = inspect.signature(command, eval_str=True).parameters.values()
        own = [each.replace(kind=keyword) for each in own]

        def called(**given: object) -> None:
            value = options(**{field.name: given.pop(field.name) for field in fields(options)})
            command(**given, **{last.name: value})

        called.__name__, called.__doc__, called.__module__ = command.__name__, command.__doc__, command.__module__
        called.__signature__ = inspect.Signature([*own, *of_fields])  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in (*own, *of_fields)}
        return called

    return decorate
