"""The ladder of strategies, cheapest first: the first candidate that passes the gate stops the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...data.metrics.own import metric_of
from ...spec.model import Spec
from ...spec.values import Strategy
from ..gate import Answers, Circumstances, GateResult, judge
from ..learning.trained import Trained
from .asked import LADDER, Asked, LadderRows
from .attempt import SCRATCH, Attempt
from .fit import Stopwatch, accept, first
from .result import LadderResult, Revised
from .skipped import OPEN, SkippedStrategies
from .step import Step

__all__ = ["LADDER", "Asked", "LadderResult", "LadderRows", "Revised", "Stopwatch", "accept", "first", "run_ladder"]

_WAITS = "the candidate to continue has learned every row, and waits for new ones to be judged by"


def run_ladder(
    champion: Trained,
    spec: Spec,
    *,
    rows: LadderRows,
    lines: Mapping[Strategy, Trained] | None = None,
    asked: Asked = LADDER,
    full: bool = False,
    skipped: SkippedStrategies = OPEN,
    peak: Callable[[], int | None] = lambda: None,
) -> LadderResult:
    """Try strategies against *champion* in the order of *asked*; with *full*, only those from scratch.

    *lines*: the newest version of strategies that continue, if that is not the champion: each goes on from its own,
    and is judged with what that says of the rows before it learns them. *skipped*: the strategies that are not worth it
    now, and what may be spent. *peak*: tells the process's peak memory in bytes, if it has one of its own.

    A strategy that breaks its contract, or whose code raises anything, is recorded with the reason and the next one is
    tried. The first that passes the gate wins. A candidate that is promising but not proven stops the run if recent
    rows are wanting: a dearer strategy would be judged on the same few, while waiting brings more. If it is the anchor
    that may have been lost, waiting brings none, and the next one is tried. With `ladder: all` nothing stops it, and
    the first that passed wins. Those that *asked* wants to learn do so in any case. Raises Refused for holdout rows
    among those to learn.
    """
    step = Step(champion, spec, rows, lines or {})
    bench = _Judging(champion, spec, rows, asked, step)
    attempts: list[Attempt] = []
    learned: dict[Strategy, Trained] = {}
    over = not asked.offer  # whether any more candidates are judged
    for strategy in _order(spec, asked, full=full):
        if over and strategy not in asked.learn:
            continue
        spent = sum(each.cpu_seconds for each in attempts)
        early = _WAITS if strategy in SCRATCH and lines and rows.unlearned.empty and not full else None
        attempt, candidate = step.over(strategy, early or skipped.over(strategy, spent)) or step.up(strategy)
        measured: dict[str, object] = {}
        if candidate is not None:
            learned[strategy] = _with_baseline(candidate, champion)
            if not over:
                watch = Stopwatch(spec.learner.threads)
                with watch.running():
                    verdict = bench.judge(strategy, candidate, learned[strategy])
                measured = {"gate": verdict, "judging_cpu_seconds": watch.seconds}
                over = spec.learner.ladder == "first" and (verdict.passed or verdict.waits)
        if not attempt.skipped:
            measured["peak_memory_bytes"] = peak()
        attempts.append(attempt.model_copy(update=measured))
    return LadderResult(tuple(attempts), bench.winner or bench.unproven, learned=learned)


@dataclass
class _Judging:
    """The gate's part of a run: the candidates judged so far, and which of them won or may yet be proven."""

    champion: Trained
    spec: Spec
    rows: LadderRows
    asked: Asked
    step: Step
    answers: Answers = field(default_factory=Answers)
    winner: Trained | None = None
    unproven: Trained | None = None
    tries: int = 0

    def judge(self, strategy: Strategy, candidate: Trained, learned: Trained) -> GateResult:
        """The verdict on *candidate*; *learned* is kept if it is the first that passed, or that may be proven."""
        spec, recent = self.spec, self.rows.recent
        self.tries += 1
        verdict = judge(
            spec.gate.without_loss() if strategy in self.asked.proven else spec.gate,
            metric_of(spec),
            self.champion,
            candidate,
            recent,
            self.rows.anchor,
            seed=spec.seed,
            beside=Circumstances(
                older_rows=self.rows.older_rows,
                outdated=self.rows.outdated,
                tries=self.tries,
                prequential=self.step.prequential(strategy),
                answers=self.answers,
                earlier=self.asked.earlier,
            ),
        )
        if verdict.passed and self.winner is None:
            self.winner = learned
            if len(recent) >= spec.gate.min_rows:  # fewer, beside many predicted rows, are no level to hold it to
                self.winner = accept(learned, spec, recent, self.answers)
        elif verdict.promising and self.unproven is None:
            self.unproven = learned
        return verdict


def _order(spec: Spec, asked: Asked, *, full: bool) -> Sequence[Strategy]:
    """The strategies to be gone through: those that may win, then those that only learn."""
    wanted = dict.fromkeys(
        (*(asked.order or spec.learner.strategies), *(r for r in spec.learner.strategies if r in asked.learn))
    )
    strategies = [strategy for strategy in wanted if strategy in SCRATCH or not full]
    return strategies or ["scratch"]


def _with_baseline(candidate: Trained, champion: Trained) -> Trained:
    """*candidate* with its champion's baseline: what the lineage held once is not forgotten with a version."""
    return replace(candidate, state=candidate.state.model_copy(update={"baseline": champion.state.baseline}))
