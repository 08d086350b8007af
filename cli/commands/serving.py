"""`ratoon serve` and `ratoon new-key`: options to settings, and whom a swap is announced to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from ...spec.errors import BadInput
from ...spec.keys.serving import ServingSpec
from ..specs import load_for_flows
from ..terminal import Terminal

if TYPE_CHECKING:
    from ...loop.events import Swapped

out = Terminal(soft_wrap=True)


@dataclass(frozen=True)
class ServeOptions:
    """What the command line says of `serving:`; None leaves it to the spec."""

    host: Annotated[str | None, typer.Option(help="Address to listen on; left out: serving.host.")] = None
    port: Annotated[int | None, typer.Option(help="Port of all replicas; left out: serving.port.")] = None
    replicas: Annotated[int | None, typer.Option(help="Processes behind the port; left out: serving.replicas.")] = None
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of the first replica's metrics; left out: serving.metrics_port.")
    ] = None
    replica: Annotated[int | None, typer.Option(hidden=True, help="Which of the replicas this process is.")] = None


def serve(path: Path, options: ServeOptions) -> None:
    """Serve until a signal. Raises BadInput for options that cannot be used."""
    spec = load_for_flows(path)
    asked = {"host": options.host, "port": options.port, "replicas": options.replicas}
    asked["metrics_port"] = options.metrics_port
    said = {name: value for name, value in asked.items() if value is not None}
    known = spec.serving.model_dump() if spec.serving is not None else {}
    try:
        serving = ServingSpec.model_validate({**known, **said})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = str(wrong["loc"][0]).replace("_", "-")
        raise BadInput(f"--{name} is {wrong['input']!r}: {wrong['msg']}. Nothing was started.") from None
    from ...serving.serve import serve as run  # here: it imports pandas and the web server
    from ...serving.serve import set_up_logs

    set_up_logs(access=serving.access_log)
    run(spec, serving, number=options.replica, announce=_announce())


def _announce() -> Callable[[Swapped], None] | None:
    """Prefect's events, if a server is named; without one an event would start a server of its own."""
    if not os.environ.get("PREFECT_API_URL"):
        return None
    from ...flows.prefect.events import announce

    return announce


def new_key(name: str, scopes: list[str]) -> None:
    """Print a new key and its line. Raises BadInput for a scope or a name that is none."""
    from ...serving.keys import SCOPES, Keys
    from ...serving.keys import new_key as make

    wanted = tuple(each for each in SCOPES if each in scopes)
    if len(wanted) != len(set(scopes)):
        raise BadInput(f"--scope: found {', '.join(scopes)}; expected of {', '.join(SCOPES)}. No key was made.")
    key, line = make(name, wanted)
    Keys.read(line, "NAME")
    out.print(f"Key, shown only now: {key}", highlight=False)
    out.print(f"Line for the file of serving.api_keys, or for $RATOON_API_KEYS: {line}", highlight=False)
