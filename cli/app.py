"""The command `ratoon`: its groups of commands, and how what goes wrong leaves it.

Exit codes: 0 done, 1 failed or refused, 2 bad input.
"""

from __future__ import annotations

import gc
import os
import sys

import typer

from ..spec.errors import BadInput, RatoonError
from .commands import inspect, lifecycle, log, project, rehearse, serve

app = typer.Typer(
    help="Retrain when it pays, from where you left off.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
for group in (project, lifecycle, inspect, rehearse, serve, log):
    app.add_typer(group.commands)


@app.callback()
def _privately(context: typer.Context) -> None:
    """Whatever a command keeps is for its user only: rows, models and logs."""
    from ..spec.private import private_files

    context.with_resource(private_files())


def run() -> None:
    """Run the command line; the console script of the package."""
    from .former import show_former_names

    show_former_names()
    # Imports make many objects and no garbage: at the default threshold a tenth of a command's CPU is spent on looking
    gc.set_threshold(200_000)
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
