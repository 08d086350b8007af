"""Decisions and what became of them, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from ...spec.model import Spec
from ...spec.run_record import GateRecord
from ...spec.values import Decision
from ..reading import ModelFacts
from ..terminal import Terminal, marked
from .words import coloured, counts, item

if TYPE_CHECKING:
    from ...flows.retrain import Retrained
    from ...ledger.entries import Acceptance, UpdateRow
    from ..commands.recompute import Recomputed

out = Terminal()


def decision(made: Decision, updates: Sequence[UpdateRow]) -> None:
    """One decision with its reasons and guards, and what became of it by the ledger's *updates*."""
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
        item(f"- {line}")
    for answer in made.guards:
        item(f"guard {answer.guard}: {'held' if answer.held else 'passed'}: {answer.text}")
    if made.fires:
        _outcome(made, updates)


def _outcome(made: Decision, updates: Sequence[UpdateRow]) -> None:
    update = next((each for each in updates if each.decision == made.id), None)
    if update is None:
        out.print("The retrain was handed to the Prefect server; `ratoon status` shows what becomes of it.")
        return
    out.print(f"retrain: {update.became}", highlight=False)
    for attempt in update.evidence.attempts:
        said = "; ".join(_reasons(attempt.gate)) if attempt.gate is not None else ""
        said = said or attempt.error or "learned in the background"
        item(f"{attempt.strategy} on {attempt.rows:,} rows: {said}")


def _reasons(gate: GateRecord) -> Iterator[str]:
    """What the gate said of every stratum, and of every check that could have refused."""
    for each in gate.strata:
        yield f"{each.name}: {each.reason}"
    for each in gate.checks:
        if each.verdict != "reported":
            of = f" of {each.of}" if each.of else ""
            yield f"{each.name}{of}: {each.reason}"


def retrained(spec: Spec, result: Retrained) -> None:
    """What became of a retrain, and the next step."""
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


def history(facts: ModelFacts, last: int) -> None:
    """The newest *last* decisions, oldest of them first, with what became of each."""
    chosen = facts.decisions[-last:]
    outcomes = {update.decision: update for update in facts.updates}
    out.print(f"{facts.model}: {len(chosen)} of {len(facts.decisions)} decisions, times in UTC", highlight=False)
    for made in chosen:
        update, score = outcomes.get(made.id), facts.scores.get(made.id)
        history_card(made, update.became if update else "", score.verdict if score else "")
    if facts.scores:
        counted = Counter[str](score.verdict for score in facts.scores.values())
        out.print(marked("Scored by the labels that came after: {}.", counts(counted)), highlight=False)


def history_card(made: Decision, became: str, score: str) -> None:
    """One decision at any width: when, verdict, action and what became of it in a line; below it why."""
    moment = f"{made.at:%Y-%m-%d %H:%M}"
    head = marked("[bold]{}[/]  {} → {}", moment, coloured(made.triaged), coloured(made.action))
    told = [each for each in (became, marked("scored {}", coloured(score)) if score else "") if each]
    out.print(marked("  ".join(["{}"] * (1 + len(told))), head, *told), highlight=False)
    for reason in made.reasons:
        out.print(Padding(Text(reason), (0, 0, 0, 4)))


def accepted(found: Acceptance) -> None:
    """Which looks' windows count again."""
    span = f"{found.start:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M}"
    out.print(
        f"The windows of the evaluations from {span} are accepted as sound. Their rows are learned and judged by "
        "from the next decision on; what the next evaluation sees is judged anew.",
        highlight=False,
    )


def recomputed(found: Sequence[Recomputed]) -> None:
    """Whether each decision comes out of the ledger as it went in."""
    same = sum(each.same for each in found)
    skipped = [each for each in found if each.skipped]
    out.print(f"{same} of {len(found)} decisions come out of the ledger alone exactly as they were taken.")
    for each in found:
        if each.differs:
            out.print(marked("[red]differs[/] {}: {}", each.decision, ", ".join(each.differs)), highlight=False)
    for each in skipped:
        out.print(marked("[dim]not taken again[/] {}: {}", each.decision, each.skipped), highlight=False)
