"""Commands that move one model through its life.

Each imports what it needs when it runs: `--help` and a typo import neither pandas nor any engine.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..former import former_name
from ..options import DAY_OR_SECOND, MOMENT, Actor, AsJson, At, Reason, SpecPath
from ..specs import load_for_flows, load_for_reading

if TYPE_CHECKING:
    from ...spec.model import Spec

commands = typer.Typer()


@commands.command(epilog="Example: ratoon train spec.yaml --at 2026-02-01")
def train(spec: SpecPath, at: At = None, as_json: AsJson = False) -> None:
    """Train the first version from scratch; it becomes the champion."""
    prepared = load_for_flows(spec)
    from ...flows.train import train as flow
    from ..views.words import working

    with working(f"Training the first version of {prepared.model}"):
        version = flow(spec=str(prepared.path), at=at)
    _print_versions(prepared, as_json, note=f"v{version} is the champion.")


@commands.command(epilog="Example: ratoon adopt spec.yaml --version 3 --learned-until 2026-01-31")
def adopt(
    spec: SpecPath,
    version: Annotated[
        str | None,
        typer.Option("--version", help="Version or alias of the spec's registered model; left out: the champion."),
    ] = None,
    model_uri: Annotated[
        str | None, typer.Option("--model-uri", help="Any other logged model, such as runs:/…/model.")
    ] = None,
    learned_until: Annotated[
        datetime | None,
        typer.Option(
            "--learned-until",
            help="Arrival time of the newest label that it has learned, as UTC.",
            formats=MOMENT,
        ),
    ] = None,
    actor: Actor = "",
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Take a model that someone else trained and logged in MLflow under care; it becomes the champion."""
    prepared = load_for_flows(spec)
    from ...flows.adopt import adopt_model as flow
    from ..views import versions as views
    from ..views.json_output import print_model
    from ..views.words import working

    with working(f"Adopting a model as {prepared.model}"):
        adoption = flow(
            spec=str(prepared.path),
            version=version,
            model_uri=model_uri,
            learned_until=learned_until,
            actor=actor,
            at=at,
        )
    if as_json:
        print_model(adoption)
        return
    views.adopted(adoption)
    _print_versions(prepared, as_json, note=f"v{adoption.version} is the champion, adopted from {adoption.source}.")


@commands.command(epilog="Example: ratoon monitor spec.yaml --at 2026-02-08")
def monitor(spec: SpecPath, at: At = None, as_json: AsJson = False) -> None:
    """Look at the last window and decide; a decision that fires starts the retraining."""
    prepared = load_for_flows(spec)
    from ...flows.monitor import monitor as flow
    from ..reading import read_facts
    from ..views import decisions as views
    from ..views.json_output import print_model
    from ..views.words import working

    with working(f"Looking at {prepared.model}"):
        decision = flow(spec=str(prepared.path), at=at)
    if as_json:
        print_model(decision)
    else:
        views.decision(decision, read_facts(prepared).updates if decision.fires else ())


@commands.command(epilog='Example: ratoon retrain spec.yaml --reason "new tariff since Monday"')
def retrain(
    spec: SpecPath,
    strategy: Annotated[
        Literal["warm", "scratch"],
        typer.Option("--strategy", help="Begin the ladder at `warm`, or at its strategies from `scratch`."),
    ] = "warm",
    rung: Annotated[Literal["warm", "scratch"] | None, typer.Option("--rung", hidden=True)] = None,
    decision: Annotated[
        str | None, typer.Option("--decision", help="Take up the retrain of this decision again.")
    ] = None,
    reason: Reason = "",
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Continue the champion on the rows it has not learned, and offer the result for review."""
    if rung is not None:
        former_name("--rung is called --strategy now; the former option goes with 0.3.")
    prepared = load_for_flows(spec)
    from ...flows.retrain import retrain as flow
    from ..views import decisions as views
    from ..views.json_output import print_model
    from ..views.words import working

    with working(f"Retraining {prepared.model}"):
        retrained = flow(spec=str(prepared.path), decision=decision, strategy=rung or strategy, reason=reason, at=at)
    if as_json:
        print_model(retrained)
    else:
        views.retrained(prepared, retrained)


@commands.command(epilog='Example: ratoon promote spec.yaml --reason "gate and plots look right"')
def promote(
    spec: SpecPath,
    version: Annotated[str | None, typer.Option("--version", help="Left out: the challenger.")] = None,
    reason: Reason = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Make the challenger the champion; serving follows the alias."""
    prepared = load_for_flows(spec)
    from ...flows.promote import promote as flow
    from ..views.words import working

    with working(f"Promoting {prepared.model}"):
        promoted = flow(spec=str(prepared.path), version=version, reason=reason, actor=actor)
    _print_versions(prepared, as_json, note=f"v{promoted} is the champion.")


@commands.command(epilog='Example: ratoon rollback spec.yaml --reason "complaints since noon"')
def rollback(
    spec: SpecPath,
    version: Annotated[str | None, typer.Option("--version", help="Left out: the champion before this one.")] = None,
    reason: Reason = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Put an earlier champion back: one pointer move."""
    prepared = load_for_flows(spec)
    from ...flows.promote import roll_back as flow
    from ..views.words import working

    with working(f"Rolling {prepared.model} back"):
        restored = flow(spec=str(prepared.path), version=version, reason=reason, actor=actor)
    _print_versions(prepared, as_json, note=f"v{restored} is the champion again.")


@commands.command(
    epilog='Example: ratoon accept-window spec.yaml --until 2026-03-08 --reason "we grew, it is no fault"'
)
def accept_window(
    spec: SpecPath,
    until: Annotated[
        datetime,
        typer.Option("--until", help="The last evaluation, as UTC, whose window is sound.", formats=DAY_OR_SECOND),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")],
    actor: Actor = "",
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Declare windows sound that were called broken: their rows are learned and judged by again."""
    from ..views import decisions as views
    from ..views.json_output import print_model
    from .accept_window import accept_windows

    accepted = accept_windows(load_for_reading(spec), until=until, now=at, actor=actor, reason=reason)
    if as_json:
        print_model(accepted)
    else:
        views.accepted(accepted)


@commands.command(epilog="Example: ratoon prune spec.yaml --dry-run")
def prune(
    spec: SpecPath,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what is older than the spec's `retention`: snapshots, HTML, logs, runs, caches; never a version."""
    prepared = load_for_flows(spec)
    from .prune import prune as run

    if not run(prepared, dry=dry_run, as_json=as_json):
        raise typer.Exit(1)


def _print_versions(spec: Spec, as_json: bool, note: str) -> None:
    from ..reading import read_facts
    from ..views import versions as views
    from ..views.json_output import print_versions

    facts = read_facts(spec)
    if as_json:
        print_versions(facts)
    else:
        views.versions(facts, note)
