"""The texts that a reviewer reads in the registry: the description; the gate's table is gate/table.py's."""

from __future__ import annotations

import re

from ...spec.markdown import as_code, in_markdown, link, visible
from ...spec.size import format_size
from ..gate.table import gate_table
from ..ladder.attempt import SCRATCH, Attempt
from ..learning.state import TrainingState
from .evidence import Evidence
from .tags import MAX_CHARACTERS

_ABOUT = """**{model}** is cared for by Ratoon.

| alias | means |
|---|---|
| `champion` | the version that serves |
| `challenger` | the newest version that passed its gate and waits for review |
| `candidate` | the version that the next update goes on from, proven or not; it serves nobody |

**Load** what serves with `mlflow.pyfunc.load_model("models:/{model}@champion")`; Ratoon is not needed for it.
Where it is a model in scikit-learn's manner, `mlflow.sklearn.load_model` gives the estimator itself, with
`predict_proba`.

**Approve**: open the version and set the alias `champion` with the pencil beside *Aliases*, or run
`ratoon promote {spec}`. Ratoon notices within minutes and writes it down.
The page's button *Promote model* does something else: it copies the version into another registered model and moves no
alias.

**Reject**: add the tag `review` with the value `rejected` to the version, and the tag `review_reason` with your reason.
Rules with `back_off` then wait before they try again.

**Roll back**: set `champion` on the earlier version again, or run `ratoon rollback {spec}`, which names the version it
goes back to. Rules with `cooldown` count from there.

A version without a passed gate (tag `ratoon.gate`) that is made `champion` is caught: it gets the tag `ratoon.caught`.
Who moved an alias is known where MLflow runs as `mlflow server --app-name ratoon-auth`; elsewhere add the tag
`reviewed_by` with your name.
"""


def about(model: str, spec: str) -> str:
    """The registered model's description: what its aliases mean, and how to load, approve, reject and roll back."""
    return _flowing(_ABOUT.format(model=visible(model), spec=as_code(spec)[1:-1]))


def _flowing(text: str) -> str:
    """*text* as MLflow's page needs it: it breaks lines where they end, and draws tables without any space."""
    lines: list[str] = []
    for line in text.split("\n"):
        if lines and lines[-1] and line and not lines[-1].startswith(("#", "|")) and not re.match(r"[#|>]|- ", line):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return "\n".join(_spaced(line) if line.startswith("|") and "---" not in line else line for line in lines)


def _spaced(row: str) -> str:
    first, *others = row.strip("|").split("|")
    return "|" + "|".join([first, *(f" &emsp;{cell.strip()} " for cell in others)]) + "|"


def caught(text: str, said: str) -> str:
    """A version's description *said* with what it was caught for above it, in place of an earlier catch."""
    rest = said.split(_CAUGHT_ENDS, 1)[1] if said.startswith(_CAUGHT) and _CAUGHT_ENDS in said else said
    above = f"{_CAUGHT} {in_markdown(text)}"[: MAX_CHARACTERS // 2] + _CAUGHT_ENDS
    return above + _shortened([rest], MAX_CHARACTERS - len(above))


_CAUGHT, _CAUGHT_ENDS = "> **Caught by Ratoon.**", "\n\n---\n\n"


_ANEW = {"first", *SCRATCH}


def attempts_table(attempts: tuple[Attempt, ...]) -> str:
    """The strategies that were tried, with rows and CPU seconds, as a Markdown table."""
    lines = [
        "| strategy | rows learned | CPU s learning | CPU s judging | peak memory | result |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for each in attempts:
        result = in_markdown(f"passed over: {each.error}" if each.skipped else each.error or _said_of(each))
        peak = format_size(each.peak_memory_bytes) if each.peak_memory_bytes else "–"
        lines.append(
            f"| {in_markdown(each.strategy)} | {each.rows:,} | {each.cpu_seconds:.2f} | {each.judging_cpu_seconds:.2f} "
            f"| {peak} | {result} |"
        )
    return "\n".join(lines)


def _said_of(attempt: Attempt) -> str:
    if attempt.passed:
        return "passed the gate"
    if attempt.gate is None:
        return "learned in the background"
    return "not proven yet" if attempt.gate is not None and attempt.gate.promising else "refused by the gate"


def description(model: str, state: TrainingState, evidence: Evidence, artifacts: str | None = None) -> str:
    """The version's description: what changed, why now, what the gate found, what it cost, what to do.

    *artifacts*: the address of the training run's artifacts, where there is one.
    """
    parent = f"version {in_markdown(state.parent)}" if state.parent else None
    parts = [
        # No heading before it: MLflow's list of versions shows the beginning as it is written.
        f"{_headline(state, evidence, parent)}. {_what_changed(state, evidence, parent)}",
        f"### Why now\n{_why(evidence)}",
    ]
    if evidence.gate is not None:
        parts.append(
            "### Gate\n"
            "`recent`: rows since the champion's watermark; `anchor`: older rows, which must not be forgotten.\n\n"
            + gate_table(evidence.gate)
        )
    elif state.accepted:
        reached = "; ".join(
            f"{in_markdown(name)} {a.value:.4g} ({a.low:.4g} to {a.high:.4g}) on {a.rows:,} rows"
            for name, a in state.accepted.items()
        )
        parts.append(f"### Holdout\nNo champion to compare with. Reached on rows that no version learns: {reached}.")
    parts.append(f"### Cost\n{_cost(evidence)}")
    links = [*evidence.links, *((("gate table, plot and Evidently report", artifacts),) if artifacts else ())]
    if links:
        parts.append("### Links\n" + "\n".join(f"- {link(words, address)}" for words, address in links))
    parts.append(f"### What to do\n{_what_to_do(state, evidence)}")
    return _shortened([_flowing(each) for each in parts], MAX_CHARACTERS)


def _shortened(parts: list[str], most: int) -> str:
    """The *parts* as paragraphs, in at most *most* characters: the longest loses its last lines until all fit.

    Only what stands elsewhere too grows long (the gate's sentences, the strategies, the reasons): each is an artifact
    of the run or in the ledger. Every part keeps its beginning.
    """
    left = list(parts)
    while len(whole := "\n\n".join(left)) > most:
        longest = max(range(len(left)), key=lambda number: len(left[number]))
        kept = left[longest].removesuffix(_MORE).rstrip("\n")
        shorter = kept.rpartition("\n")[0] or kept[: max(0, len(kept) - (len(whole) - most) - len(_MORE))]
        left[longest] = shorter + _MORE
    return whole


_MORE = "\n\n… the rest stands in the run's artifacts and in `ratoon history`."


def _headline(state: TrainingState, evidence: Evidence, parent: str | None) -> str:
    if state.strategy == "adopted":
        return f"Adopted from {in_markdown(evidence.adopted_from)}"
    if state.strategy == "first":
        return "First version"
    made = "Trained from scratch, to follow" if state.strategy in SCRATCH else "Update of"
    waits = "In the background: " if evidence.background else "Not proven yet: " if evidence.unproven else ""
    return f"{waits}{made} {parent or 'the champion'}"


def _what_changed(state: TrainingState, evidence: Evidence, parent: str | None) -> str:
    learned = f"{evidence.rows or state.learned_rows:,} labelled rows"
    until = f"up to labels of {state.watermark:%Y-%m-%d %H:%M} UTC (the watermark)"
    if state.strategy == "adopted":
        text = (
            f"It was trained outside Ratoon and predicts as the original does. Taken to have learned {learned} {until}."
        )
    elif state.strategy not in _ANEW:
        text = f"It continues {parent or 'its parent'} with {learned} that were new to it, {until}."
        if state.epochs:
            text += f" Passes over them: {state.epochs}."
        if state.rounds:
            text += f" Trees added: {state.rounds} rounds."
        if state.updated_steps:
            text += f" Moved: {in_markdown(', '.join(state.updated_steps))}."
        if state.frozen_steps:
            text += f" Frozen: {in_markdown(', '.join(state.frozen_steps))}."
    else:
        text = f"It learned {learned} {until}."
    return " ".join([text, *(f"Note: {in_markdown(note)}." for note in state.notes)])


def _why(evidence: Evidence) -> str:
    said = dict.fromkeys(reason.rstrip(".") for reason in evidence.reasons)  # reasons repeat triage's evidence
    lines = [f"- {in_markdown(reason)}" for reason in said] or [f"- {evidence.action}"]
    if evidence.verdict and evidence.window is not None:  # a start by hand looked at nothing, so that it judged nothing
        lines.insert(0, f"- Triage: **{evidence.verdict}**, action: **{evidence.action}**")
    if evidence.window is not None:
        lines.append(f"- Window judged: {evidence.window}")
    lines.append(f"- Decision {as_code(evidence.decision)} at {evidence.at:%Y-%m-%d %H:%M} UTC")
    if evidence.snapshots:
        ids = ", ".join(as_code(each) for each in evidence.snapshots)
        lines.append(f"- Evidently: `reports/` in the source run's artifacts; in the workspace, snapshots {ids}")
    return "\n".join(lines)


def _cost(evidence: Evidence) -> str:
    total = f"{evidence.cpu_seconds:.2f} CPU seconds of learning."
    if evidence.used is not None:
        total += f" The training process took {evidence.used.cpu_seconds:.2f} in all, its imports included"
        peak = evidence.used.peak_memory_bytes
        total += f", and held at most {format_size(peak)} of memory." if peak else "."
    return f"{total}\n\n{attempts_table(evidence.attempts)}" if evidence.attempts else total


def _what_to_do(state: TrainingState, evidence: Evidence) -> str:
    back = as_code(f"ratoon rollback {evidence.spec_path}")
    if evidence.background:
        return (
            "- Nothing: it serves nobody. What it predicts is compared with the champion before it learns more rows; a "
            "later version of its line is offered once that gains.\n"
            f"- To end its line: delete the alias `candidate-{state.strategy}`, or add the tag `review` with the value "
            "`rejected`."
        )
    if evidence.unproven:
        return (
            "- Nothing: the gate could not prove it, and it serves nobody. The next update goes on from it.\n"
            f"- To end its line: delete the alias `candidate-{state.strategy}`, or add the tag `review` with the value "
            "`rejected`."
        )
    served = in_markdown(evidence.against or state.parent or "")
    undo = f"- To undo a promotion: {back}, back to version {served}.\n" if served else ""
    return (
        f"- Approve: set the alias `champion` on this version with the pencil beside *Aliases*, "
        f"or {as_code(f'ratoon promote {evidence.spec_path}')}.\n"
        "- Reject: add the tag `review` with the value `rejected`, and the tag `review_reason` with your reason.\n"
        "- The button *Promote model* copies this version into another registered model and moves no alias.\n"
        f"{undo}"
        "- Evidence: the source run's artifacts (gate table and plot, Evidently report) and this version's "
        "`extra_files` (training state, reference profile, gate)."
    )
