"""What the commands print: tables for people, JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ..policy.strategies.standings import Standing, standings
from ..spec.model import Spec
from ..spec.values import Decision
from .reading import ModelFacts, read_facts
from .terminal import Marked, Terminal, marked

if TYPE_CHECKING:
    from ..flows.replay import Replayed
    from ..flows.retrain import Retrained
    from ..ledger.entries import Acceptance
    from .commands.finding import Finding
    from .commands.init_own_data import Written
    from .commands.recompute import Recomputed

out = Terminal()
err = Terminal(stderr=True)

COLOURS = {
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
    "healthy": "green",
    "harmless_shift": "cyan",
    "unsure": "yellow",
    "harm": "red",
    "right": "green",
    "wrong": "red",
    "even": "dim",
    "broken_data": "magenta",
    "hold": "dim",
    "alert": "magenta",
    "warm_start": "bold green",
    "full_retrain": "bold green",
    "roll_back": "bold red",
}


def coloured(word: str) -> Marked:
    """A word of the glossary in its colour."""
    colour = COLOURS.get(word)
    return marked(f"[{colour}]{{}}[/]" if colour else "{}", word)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner on standard error while a flow does *what*."""
    from ..flows.prefect.readable import hushed

    hushed()
    with err.status(marked("{} …", what)):
        yield


def started(folder: Path, written: Sequence[Path]) -> None:
    """What `init` wrote, and the next commands."""
    for path in written:
        out.print(f"wrote {path}", highlight=False)
    spec = folder / "spec.yaml"
    out.print(f"\nNext:\n  ratoon check {spec}\n  ratoon replay {spec} --every 5d", highlight=False)
    out.print(f"  ratoon train {spec} --at 2026-01-31", highlight=False)
    out.print(f"  ratoon monitor {spec} --at 2026-02-12\n  ratoon monitor {spec} --at 2026-02-14", highlight=False)


def started_own(folder: Path, written: Written) -> None:
    """What `init --data` took the data for, and the next commands."""
    for path in written.paths:
        out.print(f"wrote {path}", highlight=False)
    numbers, categories = (", ".join(each) or "none" for each in (written.numbers, written.categories))
    out.print(f"\nTaken as {written.task}. Numbers: {numbers}. Categories: {categories}.", highlight=False)
    if written.left_out:
        out.print(
            f"Left out, being neither number, boolean nor text: {', '.join(written.left_out)}.",
            highlight=False,
        )
    for doubt in written.doubts:
        out.print(marked("[yellow]doubt[/] {}", doubt), highlight=False)
    spec = folder / "spec.yaml"
    out.print(f"Read {spec} once, then:\n  ratoon check {spec}", highlight=False)
    out.print(f"  ratoon train {spec} --at {written.first:%Y-%m-%dT%H:%M:%S}", highlight=False)


def findings(found: Sequence[Finding], as_json: bool) -> None:
    """What `check` found, a line each."""
    if as_json:
        out.print_json(data=[vars(finding) for finding in found])
        return
    for finding in found:
        out.print(marked("{} [bold]{}[/]  {}", coloured(finding.status), finding.what, finding.text), highlight=False)


def decision(spec: Spec, made: Decision, as_json: bool) -> None:
    """One decision with its reasons and guards."""
    if as_json:
        out.print_json(made.model_dump_json())
        return
    out.print(
        marked(
            "{}  [bold]{}[/] at {}, decision {}",
            coloured(made.action),
            made.model,
            f"{made.at:%Y-%m-%d %H:%M}",
            made.id,
        ),
        highlight=False,
    )
    out.print(marked("triage: {}", coloured(made.triaged)), highlight=False)
    for line in made.reasons:
        _item(f"- {line}")
    for answer in made.guards:
        _item(f"guard {answer.guard}: {'held' if answer.held else 'passed'}: {answer.text}")
    if made.fires:
        _outcome_of(spec, made)


def _outcome_of(spec: Spec, made: Decision) -> None:
    facts = read_facts(spec)
    update = next((u for u in facts.updates if u["decision"] == made.id), None)
    if update is None:
        out.print("The retrain was handed to the Prefect server; `ratoon status` shows what becomes of it.")
        return
    out.print(f"retrain: {update['became']}", highlight=False)
    for attempt in update["evidence"].get("attempts", ()):
        said = "; ".join(_reasons(attempt.get("gate") or {})) or attempt.get("error") or "learned in the background"
        _item(f"{attempt['rung']} on {attempt['rows']:,} rows: {said}")


def _item(text: str) -> None:
    """*text*, set in; where it is wrapped, its further lines stand deeper."""
    for number, line in enumerate(Text(text).wrap(out, max(20, out.width - 4))):
        out.print(Padding(line, (0, 0, 0, 2 if number == 0 else 4), expand=False))


def _reasons(gate: Mapping[str, Any]) -> Iterator[str]:
    """What the gate said of every stratum, and of every check that could have refused."""
    for each in gate.get("strata", ()):
        yield f"{each['name']}: {each['reason']}"
    for each in gate.get("checks", ()):
        if each["verdict"] != "reported":
            of = f" of {each['of']}" if each.get("of") else ""
            yield f"{each['name']}{of}: {each['reason']}"


def retrained(spec: Spec, result: Retrained, as_json: bool) -> None:
    """What became of a retrain, and the next step."""
    if as_json:
        out.print_json(result.model_dump_json())
        return
    out.print(marked("[bold]{}[/], decision {}", result.became, result.decision), highlight=False)
    if result.promoted:
        out.print(f"v{result.version} is the champion (the spec says `review: automatic`).", highlight=False)
    elif result.version:
        out.print(
            f"It waits for review: set alias `champion` in MLflow, or `ratoon promote {spec.path.name}`.",
            highlight=False,
        )
    elif result.candidate:
        out.print(
            f"v{result.candidate} serves nobody: the gate could neither prove nor refute it, and the next update goes "
            "on from it.",
            highlight=False,
        )
    else:
        out.print("The champion and the registry are as they were.")


def versions(spec: Spec, as_json: bool, note: str) -> None:
    """The model's versions in the registry, newest first."""
    facts = read_facts(spec)
    if as_json:
        out.print_json(data={"model": spec.model, "versions": facts.versions})
        return
    out.print(_version_table(facts))
    out.print(note, highlight=False)


def status(spec: Spec, as_json: bool) -> None:
    """Who serves, who waits, what was decided last, what trained last."""
    facts = read_facts(spec)
    if as_json:
        out.print_json(data=facts.as_json())
        return
    out.print(_version_table(facts))
    for each in facts.versions:
        if each["changed"]:
            said = marked(
                "[bold red]v{} is not as it was registered[/]: {}. It is neither loaded nor trained on; restore its "
                "files, or let another version serve: ratoon promote {} --version NUMBER",
                each["version"],
                each["changed"],
                spec.path,
            )
            out.print(said, highlight=False)
    if facts.decisions:
        if found := standings(facts.decisions):
            out.print(_strategy_table(found))
        decision(spec, facts.decisions[-1], as_json=False)
    else:
        out.print(f"No decision yet; make one with `ratoon monitor {spec.path.name}`.", highlight=False)


def _strategy_table(found: Sequence[Standing]) -> Table:
    """What each way to learn on has earned."""
    table = Table(title="strategies", title_justify="left")
    for column in ("strategy", "", "tries", "would gain over the champion", "against the background candidate"):
        table.add_column(column, overflow="fold")
    for each in found:
        leads = "leads" if each.leads else ""
        table.add_row(each.strategy, leads, str(each.tries), each.gain_text, each.beside_text)
    return table


def _version_table(facts: ModelFacts) -> Table:
    table = Table(title=f"{facts.model} in {facts.registry}", title_justify="left")
    for column in ("version", "alias", "rung", "parent", "learned up to", "rows", "gate"):
        table.add_column(column, overflow="fold")
    keys = ("version", "alias", "rung", "parent", "watermark", "learned_rows", "gate")
    for version in facts.versions:
        told = {key: str(version[key]) for key in keys}
        rows = told["learned_rows"]
        told |= {"watermark": told["watermark"].replace("T", " ")[:16]}
        table.add_row(*(told | {"learned_rows": f"{int(rows):,}" if rows.isdigit() else rows}).values())
    if not facts.versions:
        table.caption = "no version yet: `ratoon train`"
    return table


def history(spec: Spec, last: int, as_json: bool) -> None:
    """The newest decisions, oldest of them first, with what became of each."""
    facts = read_facts(spec)
    chosen = facts.decisions[-last:]
    outcomes = {u["decision"]: u for u in facts.updates}
    scores = {name: score.model_dump(mode="json") for name, score in facts.scores.items()}
    if as_json:
        rows = [{**d.model_dump(mode="json"), "update": outcomes.get(d.id), "score": scores.get(d.id)} for d in chosen]
        out.print_json(data=rows)
        return
    out.print(f"{facts.model}: {len(chosen)} of {len(facts.decisions)} decisions, times in UTC", highlight=False)
    for made in chosen:
        score = scores.get(made.id, {}).get("verdict", "")
        history_card(made, _became(outcomes.get(made.id)), score)
    if scores:
        counted = Counter(score["verdict"] for score in scores.values())
        out.print(marked("Scored by the labels that came after: {}.", _counts(counted)), highlight=False)


def accepted(found: Acceptance, as_json: bool) -> None:
    """Which looks' windows count again."""
    if as_json:
        out.print_json(found.model_dump_json())
        return
    span = f"{found.start:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M}"
    out.print(
        f"The windows of the looks from {span} are accepted as sound. Their rows are learned and judged by "
        "from the next decision on; what the next look sees is judged anew.",
        highlight=False,
    )


def history_card(made: Decision, became: str, score: str) -> None:
    """One decision at any width: when, verdict, action and what became of it in a line; below it why."""
    moment = f"{made.at:%Y-%m-%d %H:%M}"
    head = marked("[bold]{}[/]  {} → {}", moment, coloured(made.triaged), coloured(made.action))
    told = [each for each in (became, marked("scored {}", coloured(score)) if score else "") if each]
    out.print(marked("  ".join(["{}"] * (1 + len(told))), head, *told), highlight=False)
    for reason in made.reasons:
        out.print(Padding(Text(reason), (0, 0, 0, 4)))


def _became(update: Mapping[str, Any] | None) -> str:
    return str(update["became"]) if update else ""


def recomputed(found: Sequence[Recomputed], as_json: bool) -> None:
    """Whether each decision comes out of the ledger as it went in."""
    if as_json:
        out.print_json(data=[vars(each) for each in found])
        return
    same = sum(each.same for each in found)
    skipped = [each for each in found if each.skipped]
    out.print(f"{same} of {len(found)} decisions come out of the ledger alone exactly as they were taken.")
    for each in found:
        if each.differs:
            out.print(marked("[red]differs[/] {}: {}", each.decision, ", ".join(each.differs)), highlight=False)
    for each in skipped:
        out.print(marked("[dim]not taken again[/] {}: {}", each.decision, each.skipped), highlight=False)


def replay(
    spec: Spec, every: str, start: datetime | None, end: datetime | None, into: Path | None, as_json: bool
) -> None:
    """Run a replay with a progress bar and print what it did."""
    result = run_replay(str(spec.path), every, start, end, into, quiet=as_json)
    if as_json:
        out.print_json(result.model_dump_json())
        return
    replayed(result)


def replayed(result: Replayed) -> None:
    """What a replay did, beside never retraining."""
    span = f"{result.start:%Y-%m-%d} to {result.end:%Y-%m-%d}"
    out.print(marked("[bold]{}[/] {}, {} windows", result.model, span, result.windows), highlight=False)
    table = comparison(result.metric)
    add_arm(
        table,
        marked("[bold green]Ratoon[/]"),
        result.composite,
        result.trainings,
        result.rows_learned,
        result.cpu_seconds,
    )
    add_arm(table, "never retrained", result.never, 0, 0, 0.0)
    out.print(table)
    what_happened(result)
    out.print(f"\nEach decision with its reasons:\n  ratoon history {result.spec}", highlight=False, soft_wrap=True)


def what_happened(result: Replayed) -> None:
    """Verdicts, decisions and outcomes, counted."""
    out.print(marked("Looked {} times: {}.", result.windows, _counts(result.verdicts)), highlight=False)
    out.print(marked("Decided: {}.", _counts(result.actions)), highlight=False)
    if result.outcomes:
        out.print(marked("Trained {} times: {}.", result.trainings, _counts(result.outcomes)), highlight=False)


def comparison(metric: str) -> Table:
    """An empty table of arms; `add_arm` fills it. Fits 80 columns."""
    table = Table()
    for column in ("", metric.upper(), "95% interval", "trained", "rows", "CPU s"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    return table


def add_arm(table: Table, name: str, quality: Any, trainings: int, rows: int, cpu: float) -> None:
    """One arm: its metric with interval, trainings, rows trained on, CPU seconds of training."""
    table.add_row(
        name,
        f"{quality.value:.4g}",
        f"{quality.low:.4g} – {quality.high:.4g}",
        str(trainings),
        f"{rows:,}",
        f"{cpu:.2f}",
    )


def _counts(counted: Mapping[str, int]) -> Marked:
    return Marked(", ".join(marked("{} {}", coloured(name), count) for name, count in counted.items()))


def run_replay(
    path: str, every: str, start: datetime | None, end: datetime | None, into: Path | None, *, quiet: bool
) -> Replayed:
    """Run the replay flow; progress goes to standard error."""
    from ..flows.prefect.progress import Tick, listening
    from ..flows.prefect.readable import hushed
    from ..flows.replay import replay as flow

    hushed()
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )  # fmt: skip
    with Progress(*columns, console=err, disable=quiet) as progress:
        bar = progress.add_task("starting the first version", total=None, last="")

        def show(tick: Tick) -> None:
            made = tick.decision
            verdict, action = coloured(made.triage.verdict), coloured(made.action)
            last = marked("{} {} → {}, champion v{}", f"{made.at:%Y-%m-%d}", verdict, action, tick.champion)
            progress.update(bar, description="replaying", total=tick.total, completed=tick.number, last=last)

        with listening(show):
            return flow(spec=path, every=every, start=start, end=end, into=str(into) if into else None)
