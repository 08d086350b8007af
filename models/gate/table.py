"""The gate's answer as Markdown, for MLflow's and Prefect's pages and as a text."""

from __future__ import annotations

import textwrap

from ...spec.markdown import at_beginning, in_markdown
from . import Check, GateResult, Stratum, in_percent


def gate_table(gate: GateResult, *, width: int | None = None) -> str:
    """Strata and slices with intervals of the gain (positive is better), checks beside them, and every reason.

    Sentences are broken at *width* characters, for readers that show the text as it is; left out: not at all, since
    Prefect's pages show every end of a line.
    """
    interval = f"{in_percent(gate.level)} interval"
    said = f"Judged by {gate.metric}; a gain above zero is an improvement."
    if gate.tries > 1:
        said += (
            f" Candidate {gate.tries} on these rows: the intervals are of {in_percent(gate.level)}, so that more "
            f"tries do not pass by luck (Bonferroni on {in_percent(gate.confidence)})."
        )
    if gate.prequential:
        said += (
            f" {gate.prequential:,} of the recent rows were learned by this candidate, and are judged by what the one "
            "before it said of them until then; the others no version learns."
        )
    else:
        said += " No version learns these rows."
    lines = [
        *(textwrap.wrap(said, width) if width else [said]),
        "",
        f"| stratum | verdict | rows | champion | candidate | gain ({interval}) | needed |",
        "|---|---|--:|--:|--:|--:|---|",
        *(
            f"| {in_markdown(s.name)} | **{s.verdict}** | {s.rows:,} | {number(s.champion)} "
            f"| {number(s.candidate)} | {_gain(s)} | {in_markdown(s.needed)} |"
            for s in gate.strata
        ),
    ]
    if gate.checks:
        lines += [
            "",
            f"| check | verdict | rows | champion | candidate | found ({interval}) | needed |",
            "|---|---|--:|--:|--:|--:|---|",
            *(
                f"| {in_markdown(c.label)} | **{c.verdict}** | {f'{c.rows:,}' if c.rows else '–'} "
                f"| {number(c.champion)} | {number(c.candidate)} | {_found(c)} | {in_markdown(c.needed)} |"
                for c in gate.checks
            ),
        ]
    reasons = [(s.name, s.reason) for s in gate.strata] + [(c.label, c.reason) for c in gate.checks]
    return "\n".join(
        [*lines, "", *(_item(in_markdown(f"{name}: {reason.rstrip('.')}."), width) for name, reason in reasons)]
    )


def number(value: float | None) -> str:
    """A value in four digits; – for none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def _gain(stratum: Stratum) -> str:
    gain = stratum.gain
    return "–" if gain is None else f"{gain.value:+.4g} ({gain.low:+.4g} to {gain.high:+.4g})"


def _found(check: Check) -> str:
    found = check.judged
    if found is None:
        return "–"
    show = {"flips": "{:.2%}", "latency": "{:.2f}×", "size": "{:.2f}×"}.get(check.name, "{:+.3g}").format
    return show(found.value) + (
        "" if found.low is None or found.high is None else f" ({show(found.low)} to {show(found.high)})"
    )


def _item(text: str, width: int | None) -> str:
    """One list item, folded at *width*: Markdown reads the indented lines on."""
    if width is None:
        return f"- {text}"
    first, *others = textwrap.wrap(f"- {text}", width - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join([first, *(f"  {at_beginning(line)}" for line in others)])
