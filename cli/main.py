"""The command `ratoon`. Exit codes: 0 done, 1 failed or refused, 2 bad input.

Each command imports what it needs when it runs: `--help` and a typo import neither pandas nor any engine.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..spec.errors import BadInput, RatoonError

if TYPE_CHECKING:
    from ..spec.model import Spec

app = typer.Typer(
    help="Retrain when it pays, from where you left off.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    add_completion=False,
)

policy_app = typer.Typer(help="What rules may use.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")


@app.callback()
def _privately(context: typer.Context) -> None:
    """Whatever a command keeps is for its user only: rows, models and logs."""
    from ..spec.private import private_files

    context.with_resource(private_files())


SpecPath = Annotated[Path, typer.Argument(help="The model's spec (YAML).", metavar="SPEC")]
AsJson = Annotated[bool, typer.Option("--json", help="Print facts as JSON, for programs.")]
At = Annotated[
    datetime | None,
    typer.Option(
        "--at",
        help="The moment to judge, as UTC; left out: now.",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")]
Actor = Annotated[str, typer.Option("--actor", envvar="USER", help="Who does it; kept in the ledger.")]


def run() -> None:
    """Run the command line; the console script of the package."""
    try:
        code = app(standalone_mode=False)  # a command's own Exit comes back as its number here
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except typer.Abort:
        from .terminal import Terminal, marked

        Terminal(stderr=True).print(marked("[yellow]Stopped.[/] What was finished before is kept."))
        sys.exit(1)
    except BadInput as error:
        _complain(error)
        sys.exit(2)
    except RatoonError as error:
        _complain(error)
        sys.exit(1)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: no code of ours ends a command so, and 0 would say that it is done
        # Typer's own usage errors are click exceptions with an exit code and a worded message.
        if hasattr(error, "exit_code") and hasattr(error, "show"):
            error.show()
            sys.exit(int(error.exit_code))
        if os.environ.get("RATOON_TRACEBACK"):
            raise
        from ..spec.unexpected import is_of_parameters, worded
        from .terminal import Terminal, marked

        Terminal(stderr=True, soft_wrap=True).print(marked("[bold red]Error[/]"), worded(error), highlight=False)
        sys.exit(2 if is_of_parameters(error) else 1)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(error: RatoonError) -> None:
    from .terminal import Terminal, marked

    kind = marked("[bold red]{}[/]", type(error).__name__)
    Terminal(stderr=True, soft_wrap=True).print(kind, str(error), highlight=False)


def _prepared(path: Path) -> Spec:
    """Read the spec and settle the environment, before Prefect is imported."""
    from ..spec.load import load_spec
    from .settings import settle_environment

    spec = load_spec(path)
    settle_environment(spec)
    return spec


def _addressed(path: Path) -> Spec:
    """Read the spec, and look where `ratoon up` keeps its stores, for commands that start no flow."""
    from ..spec.load import load_spec
    from .settings import use_running_servers

    spec = load_spec(path)
    use_running_servers(spec)
    return spec


@app.command(epilog="Example: ratoon init late-flights")
def init(
    folder: Annotated[
        Path, typer.Argument(help="Folder to write the project into; its name names the model.", metavar="DIR")
    ],
    data: Annotated[
        Path | None, typer.Option("--data", help="Your own data: Parquet or CSV; left out: example data are written.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="With --data: column with the label.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="With --data: column with the time of prediction.")] = None,
    row_id: Annotated[str | None, typer.Option("--id", help="With --data: column that names a row, unique.")] = None,
    label_time: Annotated[
        str | None, typer.Option("--label-time", help="With --data: column with the time at which the label arrived.")
    ] = None,
    label_delay: Annotated[
        str | None, typer.Option("--label-delay", help="With --data: a fixed label delay, such as 1d.")
    ] = None,
    task: Annotated[
        Literal["binary", "multiclass", "regression", "clustering"] | None,
        typer.Option("--task", help="With --data; left out: told by the label's values. clustering has no label."),
    ] = None,
) -> None:
    """Write a project: with example data that works as it stands, or over your own data."""
    from ..spec.private import shared_files
    from . import views as show

    named = {"--target": target, "--time": time, "--id": row_id}
    missing = [option for option, value in named.items() if value is None]
    if data is None:
        if len(missing) < 3 or label_time or label_delay or task:
            raise BadInput(
                "--target, --time and their like describe your own data; name its file with --data. "
                "Nothing was written."
            )
        from .commands.init import write_starter

        with shared_files():
            show.started(folder, write_starter(folder, folder.resolve().name))
        return
    if task == "clustering":
        labelled = {"--target": target, "--label-time": label_time}
        given = next((option for option, value in labelled.items() if value), None)
        if given:
            raise BadInput(f"{given} has no meaning for a clustering, which has no label. Nothing was written.")
        missing.remove("--target")
    if missing or time is None or row_id is None:
        raise BadInput(
            f"--data needs {', '.join(missing)} as well: the columns that Ratoon cannot guess. Nothing was written."
        )
    if label_time and label_delay:
        raise BadInput("give --label-time or --label-delay, not both. Nothing was written.")
    from .commands.init_own_data import OwnData, write_own

    own = OwnData(data, target, time, row_id, label_time, label_delay, task)
    with shared_files():
        show.started_own(folder, write_own(folder, folder.resolve().name, own))


@app.command(epilog="Example: ratoon check spec.yaml")
def check(
    spec: SpecPath,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
) -> None:
    """Validate a spec against the real data and the real registry, before anything runs."""
    from . import views as show
    from .commands.check import check_spec

    findings = check_spec(_addressed(spec))
    show.findings(findings, as_json)
    if any(finding.status == "fail" or (strict and finding.status == "warn") for finding in findings):
        raise typer.Exit(2)


@app.command(epilog="Example: ratoon train spec.yaml --at 2026-02-01")
def train(spec: SpecPath, at: At = None, as_json: AsJson = False) -> None:
    """Train the first version from scratch; it becomes the champion."""
    from . import views as show

    prepared = _prepared(spec)
    from ..flows.train import train as flow

    with show.working(f"Training the first version of {prepared.model}"):
        version = flow(spec=str(prepared.path), at=at)
    show.versions(prepared, as_json, note=f"v{version} is the champion.")


@app.command(epilog="Example: ratoon adopt spec.yaml --version 3 --learned-until 2026-01-31")
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
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        ),
    ] = None,
    actor: Actor = "",
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Take a model that someone else trained and logged in MLflow under care; it becomes the champion."""
    from . import views as show

    prepared = _prepared(spec)
    from ..flows.adopt import adopt_model as flow
    from .commands.adopt import show_adoption

    with show.working(f"Adopting a model as {prepared.model}"):
        adoption = flow(
            spec=str(prepared.path),
            version=version,
            model_uri=model_uri,
            learned_until=learned_until,
            actor=actor,
            at=at,
        )
    show_adoption(prepared, adoption, as_json)


@app.command(epilog="Example: ratoon monitor spec.yaml --at 2026-02-08")
def monitor(spec: SpecPath, at: At = None, as_json: AsJson = False) -> None:
    """Look at the last window and decide; a decision that fires starts the retraining."""
    from . import views as show

    prepared = _prepared(spec)
    from ..flows.monitor import monitor as flow

    with show.working(f"Looking at {prepared.model}"):
        decision = flow(spec=str(prepared.path), at=at)
    show.decision(prepared, decision, as_json)


@app.command(epilog='Example: ratoon retrain spec.yaml --reason "new tariff since Monday"')
def retrain(
    spec: SpecPath,
    rung: Annotated[
        Literal["warm", "scratch"],
        typer.Option("--rung", help="Begin the ladder at `warm`, or at its rungs from `scratch`."),
    ] = "warm",
    decision: Annotated[
        str | None, typer.Option("--decision", help="Take up the retrain of this decision again.")
    ] = None,
    reason: Reason = "",
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Continue the champion on the rows it has not learned, and offer the result for review."""
    from . import views as show

    prepared = _prepared(spec)
    from ..flows.retrain import retrain as flow

    with show.working(f"Retraining {prepared.model}"):
        retrained = flow(spec=str(prepared.path), decision=decision, rung=rung, reason=reason, at=at)
    show.retrained(prepared, retrained, as_json)


@app.command(epilog='Example: ratoon promote spec.yaml --reason "gate and plots look right"')
def promote(
    spec: SpecPath,
    version: Annotated[str | None, typer.Option("--version", help="Left out: the challenger.")] = None,
    reason: Reason = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Make the challenger the champion; serving follows the alias."""
    from . import views as show

    prepared = _prepared(spec)
    from ..flows.promote import promote as flow

    with show.working(f"Promoting {prepared.model}"):
        promoted = flow(spec=str(prepared.path), version=version, reason=reason, actor=actor)
    show.versions(prepared, as_json, note=f"v{promoted} is the champion.")


@app.command(epilog='Example: ratoon rollback spec.yaml --reason "complaints since noon"')
def rollback(
    spec: SpecPath,
    version: Annotated[str | None, typer.Option("--version", help="Left out: the champion before this one.")] = None,
    reason: Reason = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Put an earlier champion back: one pointer move."""
    from . import views as show

    prepared = _prepared(spec)
    from ..flows.promote import roll_back as flow

    with show.working(f"Rolling {prepared.model} back"):
        restored = flow(spec=str(prepared.path), version=version, reason=reason, actor=actor)
    show.versions(prepared, as_json, note=f"v{restored} is the champion again.")


@app.command(epilog='Example: ratoon accept-window spec.yaml --until 2026-03-08 --reason "we grew, it is no fault"')
def accept_window(
    spec: SpecPath,
    until: Annotated[
        datetime,
        typer.Option(
            "--until", help="The last look, as UTC, whose window is sound.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")],
    actor: Actor = "",
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Declare windows sound that were called broken: their rows are learned and judged by again."""
    from . import views as show
    from .commands.accept_window import accept_windows

    show.accepted(accept_windows(_addressed(spec), until=until, now=at, actor=actor, reason=reason), as_json)


@app.command(epilog="Example: ratoon prune spec.yaml --dry-run")
def prune(
    spec: SpecPath,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what is older than the spec's `retention`: snapshots, HTML, logs, runs, caches; never a version."""
    prepared = _prepared(spec)
    from .commands.prune import prune as run

    if not run(prepared, dry=dry_run, as_json=as_json):
        raise typer.Exit(1)


@app.command(epilog="Example: ratoon fleet models --every 1h")
def fleet(
    folder: Annotated[Path, typer.Argument(help="Every spec below it is looked at.", metavar="DIR")],
    at: At = None,
    every: Annotated[
        str | None, typer.Option("--every", help="Look again after this long, such as 1h, until Ctrl-C.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at every model below a folder in one warm process; false alarms are controlled over them all."""
    from .commands.fleet import run_fleet

    if not run_fleet(folder, at, every, as_json=as_json):
        raise typer.Exit(1)


@app.command(epilog="Example: ratoon status spec.yaml --json")
def status(
    spec: Annotated[Path, typer.Argument(help="The model's spec (YAML); or a folder: a line for each model below it.")],
    as_json: AsJson = False,
) -> None:
    """Print who serves, who waits for review, and what was decided last."""
    if spec.is_dir():
        from .commands.fleet_status import print_fleet

        if not print_fleet(spec, as_json):
            raise typer.Exit(1)
        return
    from . import views as show

    show.status(_addressed(spec), as_json)


@app.command(epilog="Example: ratoon history spec.yaml --last 20")
def history(
    spec: SpecPath,
    last: Annotated[int, typer.Option("--last", min=1, help="How many decisions to print.")] = 20,
    again: Annotated[
        bool, typer.Option("--recompute", help="Take every decision again from the ledger alone, and compare.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print decisions with their reasons and scores, each decision not to act included."""
    from . import views as show

    loaded = _addressed(spec)
    if not again:
        show.history(loaded, last, as_json)
        return
    from .commands.recompute import recompute

    found = recompute(loaded)
    show.recomputed(found, as_json)
    if any(each.differs for each in found):
        raise typer.Exit(1)


@app.command(epilog="Example: ratoon report spec.yaml --out report.html")
def report(
    spec: SpecPath,
    file: Annotated[Path | None, typer.Option("--out", help="HTML file to write; left out: in the home.")] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--start", help="Charts and decisions begin here; left out: with the life."),
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--end", help="The model as it was known then (UTC); left out: as it is.")
    ] = None,
) -> None:
    """Write one HTML page: what serves and how it does, every decision with its reasons, versions, cost."""
    from .commands.report import report as run

    run(_addressed(spec), file=file, start=start, end=end, now=datetime.now(UTC).replace(tzinfo=None))


@policy_app.command(epilog="Example: ratoon policy explain spec.yaml")
def explain(spec: SpecPath, as_json: AsJson = False) -> None:
    """List the variables that rules may use, with their present values, types and meaning."""
    from .commands.explain import explain_policy

    explain_policy(_addressed(spec), as_json)


@app.command(epilog="Example: ratoon backtest spec.yaml --policy eager.yaml --every 7d")
def backtest(
    spec: SpecPath,
    policy: Annotated[
        list[Path] | None,
        typer.Option("--policy", help="Rules to compare with the spec's own; give it again for more."),
    ] = None,
    every: Annotated[
        str | None, typer.Option("--every", help="Step between looks; left out: the spec's backtest.every.")
    ] = None,
    start: Annotated[
        datetime | None, typer.Option("--start", help="First moment; left out: where a third of the data is known.")
    ] = None,
    end: Annotated[datetime | None, typer.Option("--end", help="Last moment; left out: the end of the data.")] = None,
    page: Annotated[Path | None, typer.Option("--page", help="HTML file to write; left out: in the home.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes side by side.")] = 2,
    scratch: Annotated[
        bool, typer.Option("--scratch/--no-scratch", help="Also the arms from scratch, and the oracle.")
    ] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not use results kept from earlier runs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replay history for the policy and for all that it must beat: never, schedules, uniform, an oracle."""
    from ..spec.load import load_spec
    from .commands.backtest import backtest as run

    run(
        load_spec(spec),
        policy or [],
        every=every,
        start=start,
        end=end,
        page=page,
        workers=workers,
        scratch=scratch,
        fresh=fresh,
        as_json=as_json,
    )


@app.command(epilog="Example: ratoon replay spec.yaml --every 7d --start 2026-02-01")
def replay(
    spec: SpecPath,
    every: Annotated[str, typer.Option("--every", help="Step between simulated moments, such as 7d.")],
    start: Annotated[
        datetime | None, typer.Option("--start", help="First moment; left out: where a third of the data is known.")
    ] = None,
    end: Annotated[datetime | None, typer.Option("--end", help="Last moment; left out: the end of the data.")] = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="Folder for the replay's own stores; left out: `replay` in home.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drive the live flows over history at simulated times."""
    from . import views as show

    prepared = _prepared(spec)
    show.replay(prepared, every, start, end, into, as_json)


@app.command(epilog="Example: ratoon listen projects, with the webhook's secret in RATOON_WEBHOOK_SECRET")
def listen(
    folder: Annotated[Path, typer.Argument(help="Folder of the specs whose models are listened for.")] = Path(),
    subscribe: Annotated[
        str | None,
        typer.Option(
            help="This receiver's address as MLflow reaches it, http://host:8090/mlflow: the webhook is made there.",
            metavar="URL",
        ),
    ] = None,
) -> None:
    """Receive MLflow's webhooks, so that a review there is noticed at once."""
    from .commands.listen import listen as run

    run(folder, subscribe)


@app.command(epilog="Example: ratoon deploy .")
def deploy(
    places: Annotated[
        list[Path] | None, typer.Argument(help="Specs, or folders with specs; left out: this folder.", metavar="SPEC…")
    ] = None,
    pool: Annotated[str | None, typer.Option("--pool", help="Prefect's work pool; left out: $RATOON_POOL.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the deployments of every spec to the Prefect server; doing it again is safe."""
    from .commands.deploy import deploy as run

    run(places or [Path()], pool, as_json)


@app.command(epilog="Example: ratoon schema > ratoon.schema.json")
def schema(
    events: Annotated[bool, typer.Option("--events", help="Of the events that Ratoon sends by Prefect.")] = False,
) -> None:
    """Print the spec's JSON schema, by which editors complete the YAML; or that of the events."""
    from ..spec.load import json_schema
    from .terminal import Terminal

    if events:
        from ..flows.prefect.events import events_schema

        Terminal().print_json(data=events_schema())
        return
    Terminal().print_json(data=json_schema())


@app.command(epilog="Example: ratoon demo --folder ratoon-demo")
def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help="Where the demo keeps its stores; must be new or empty.")
    ] = Path("ratoon-demo"),
    as_json: AsJson = False,
) -> None:
    """Replay a made stream with one change, beside scheduled retraining from scratch."""
    from .commands.demo import run_demo

    run_demo(folder, as_json)


@app.command(epilog="Example: ratoon up")
def up(
    folder: Annotated[
        Path, typer.Argument(help="The project: the folder that holds the specs.", metavar="FOLDER")
    ] = Path(),
) -> None:
    """Start Prefect, MLflow, Evidently's UI and a worker; deploy every spec below FOLDER; watch over them all."""
    from .commands.up import up as run

    run(folder)


if __name__ == "__main__":
    run()
