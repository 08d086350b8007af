"""The background candidates: the newest version of each strategy, from which its next update goes on.

A version that was not offered, or not promoted yet, serves nobody; it learns on all the same, each row once along its
line, and what it says of rows before it learns them is compared with the champion (trials.py). It is the background
learner of adaptive ensembles (Gomes et al., Adaptive random forests for evolving data stream classification, Machine
Learning 106, 2017) for whole models, one for each strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ...data.view import View
from ...ledger.ledger import Evaluation, Promotion
from ...models.ladder.attempt import SCRATCH
from ...models.learning.trained import Trained
from ...models.registry.versions import Version
from ...policy.strategies.credits import credit, direct_gain, tried
from ...spec.errors import RegistryError, SpecError
from ...spec.values import History, Strategy
from ..context import Stores
from ..excluded import kept_out, without

_ENOUGH = 4  # trials, before which no line is given up: one strange window proves nothing


def lines(context: Stores, champion: str, history: History) -> dict[Strategy, Trained]:
    """The version to go on from for each strategy that continues; those not named go on from *champion*.

    A line ends if a version of it was rejected, or served and was taken back, if its newest version cannot be loaded,
    or if its trials prove that it is worse than the champion: then it begins anew from there.
    """
    if context.spec.learner.unproven == "drop":
        return {}
    found: dict[Strategy, Trained] = {}
    for strategy, version in context.registry.candidates().items():
        if strategy in SCRATCH or version.number == champion:
            continue
        try:
            if _ended(context, version, champion) or _lost(history, strategy, champion):
                continue
            found[strategy] = context.registry.load(version.number)
        except (RegistryError, SpecError):  # a version was deleted, or its files were, or they may not be read any more
            continue
    return found


def _lost(history: History, strategy: str, champion: str) -> bool:
    known = direct_gain(history.model_copy(update={"champion": champion}), strategy)
    return known is not None and known.high < 0 and credit(tried(history), strategy, "champion").tries >= _ENOUGH


def _ended(context: Stores, tip: Version, champion: str) -> bool:
    line = _line(context, tip)
    return _taken_back(context, line, champion) or bool({each.number for each in context.registry.rejected()} & line)


def learned_broken(
    context: Stores, view: View, looks: Sequence[Evaluation], candidate: Trained, since: datetime
) -> bool:
    """Whether *candidate* learned rows newer than the watermark *since* that *looks* have found to be broken since."""
    made = context.registry.version(candidate.version or "").meta.at
    if made is None:
        return False
    known = kept_out([look for look in looks if look.at <= made])
    now = kept_out(looks)
    if known == now:
        return False
    learned = view.learned(candidate.state.watermark, since)
    return len(without(learned, now)) < len(without(learned, known))


def _line(context: Stores, tip: Version) -> set[str]:
    """*tip* and the versions that it goes on from, up to the champion that it was held against, which is left out."""
    found, parent = {tip.number}, tip.parent
    while parent is not None and parent != tip.against and parent not in found:
        found.add(parent)
        parent = context.registry.version(parent).parent
    return found


def _taken_back(context: Stores, line: set[str], champion: str) -> bool:
    """Whether a version of *line* served and one outside was put in its place, also where nobody wrote it down yet.

    But for a put-back: who promoted past the gate and was put back said nothing against the candidate.
    """
    moves = context.ledger.promotions.of(context.spec.model)
    left = any(m.previous in line and m.version not in line and _goes_back(m) for m in moves)
    return left or (bool(moves) and moves[-1].version in line and champion not in line)


def _goes_back(move: Promotion) -> bool:
    """Whether the alias went to an older version, by a roll-back or by hand; a newer one took nothing back."""
    if move.kind == "put_back":
        return False
    return move.kind in ("roll_back", "ungated") or (
        move.kind == "promotion" and move.previous is not None and int(move.version) < int(move.previous)
    )
