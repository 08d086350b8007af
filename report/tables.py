"""The report's tables, and the decisions as text: newest first, bounded, every text from outside as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..ledger.entries import UpdateRow
from ..models.registry.versions import Version
from ..pages.charts.marks import Mark
from ..pages.words import UNKNOWN, rounded
from ..policy.strategies.standings import standings
from ..policy.wording import moment
from ..spec.values import Decision, Score
from .cards import gate_said
from .life import Life
from .timeline import mark_of

MOST = 400  # rows of a table: more are not read


@dataclass(frozen=True)
class Table:
    """*rows* are cells in the order of *columns*; *left_out* counts the older rows that are not shown."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    left_out: int = 0
    empty: str = ""


def tables(life: Life) -> list[Table]:
    """Strategies, versions, moves of the champion, reviews, training runs."""
    return [_strategies(life), _versions(life), _moves(life), _reviews(life), _runs(life)]


def _strategies(life: Life) -> Table:
    rows = [
        (each.strategy, "leads" if each.leads else "", str(each.tries), each.gain_text, each.beside_text)
        for each in standings(life.decisions)
    ]
    columns = ("strategy", "", "tries", "would gain over the champion", "against the background candidate")
    return _table("Strategies", columns, rows, "No strategy was tried yet.")


def _versions(life: Life) -> Table:
    columns = ("version", "alias", "strategy", "parent", "learned up to", "rows", "gate", "CPU s", "decision")
    return _table("Versions", columns, [_version(each) for each in life.versions], "No version yet.", newest_first=True)


def _version(found: Version) -> tuple[str, ...]:
    def tag(name: str) -> str:
        return found.meta.text(name)

    cpu = tag("cpu_seconds")
    return (
        f"v{found.number}", ", ".join(found.aliases), tag("strategy"), tag("parent"),
        tag("watermark").replace("T", " ")[:16], _counted(tag("learned_rows")), tag("gate"),
        rounded(float(cpu)) if cpu else UNKNOWN, found.decision or "",
    )  # fmt: skip


def _counted(rows: str) -> str:
    return f"{int(rows):,}" if rows.isdigit() else rows


def _moves(life: Life) -> Table:
    rows = [
        (moment(each.at), each.kind.replace("_", " "), f"v{each.version}",
         f"v{each.previous}" if each.previous else UNKNOWN, each.actor or "unknown", each.reason)
        for each in life.promotions
    ]  # fmt: skip
    columns = ("at (UTC)", "what", "to", "from", "who", "why")
    return _table("Promotions and rollbacks", columns, rows, "The champion never moved.")


def _reviews(life: Life) -> Table:
    rows = [
        (moment(each.at), f"v{each.version}", each.verdict, each.actor or "unknown", each.reason)
        for each in life.reviews
    ]
    return _table("Reviews", ("at (UTC)", "version", "verdict", "who", "why"), rows, "No review is recorded.")


def _runs(life: Life) -> Table:
    rows = [
        (moment(each.at), *_ended(each),
         f"{each.rows:,}", rounded(each.cpu_seconds), each.decision, "; ".join(gate_said(each)))
        for each in life.updates
    ]  # fmt: skip
    columns = ("at (UTC)", "outcome", "version", "rows", "CPU s", "decision", "what the gate said")
    return _table("Training runs", columns, rows, "No training run yet.")


def _ended(run: UpdateRow) -> tuple[str, str]:
    """How it ended, and the version that came of it."""
    words, version = run.left
    return words, f"v{version}" if version else UNKNOWN


def _table(
    title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], empty: str, *, newest_first: bool = False
) -> Table:
    ordered = list(rows) if newest_first else list(reversed(rows))
    return Table(title, columns, ordered[:MOST], max(0, len(ordered) - MOST), empty)


@dataclass(frozen=True)
class DecisionText:
    """One decision as people read it; what there is not is empty."""

    id: str
    at: str
    action: str
    mark: Mark
    verdict: str
    became: str
    reasons: Sequence[str]
    guards: Sequence[str]
    score: str
    window: str
    champion: str | None


def told(life: Life, decisions: Sequence[Decision]) -> tuple[list[DecisionText], int]:
    """The decisions as text, newest first, and how many are left out: older holds go first."""
    acted = [each for each in decisions if each.action != "hold"][-MOST:]
    holds = [each for each in decisions if each.action == "hold"]
    room = MOST - len(acted)
    ids = {each.id for each in [*acted, *(holds[-room:] if room else [])]}
    chosen = [each for each in reversed(decisions) if each.id in ids]
    updates = {each.decision: each for each in life.updates}
    lines = [_text(life, each, updates.get(each.id), (life.scores or {}).get(each.id)) for each in chosen]
    return lines, len(decisions) - len(chosen)


def _text(life: Life, decision: Decision, update: UpdateRow | None, score: Score | None) -> DecisionText:
    return DecisionText(
        id=decision.id,
        at=moment(decision.at),
        action=decision.action,
        mark=mark_of(life, decision),
        verdict=decision.triaged,
        became="" if update is None else update.became,
        reasons=decision.reasons,
        guards=[f"{answer.guard} held: {answer.text}" for answer in decision.guards if answer.held],
        score="" if score is None else f"{score.verdict}: {score.text}".removesuffix(": "),
        window=str(decision.window) if decision.window else "",
        champion=decision.champion,
    )
