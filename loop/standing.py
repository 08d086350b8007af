"""The candidate that the last climb could neither pass nor refute: the next update goes on from it.

A gate that sees a hundred rows cannot prove most gains. Were such a candidate thrown away, its rows would be learned
again and again until a larger gain, or a fit from scratch, is proven. Kept as a version with the alias `candidate`,
it goes on learning each row once, serves nobody, and is judged with what it says of new rows before it learns them.
It is the background learner of adaptive ensembles (Gomes et al., Adaptive random forests for evolving data stream
classification, Machine Learning 106, 2017) for a whole model, with a gate where they compare errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..data.view import View
from ..ledger.ledger import Look
from ..models.trained import Trained
from ..models.versions import Version
from ..spec.errors import RegistryError, SpecError
from .care import Kept
from .whole import broken_spans, without


def standing(care: Kept, champion: str) -> Trained | None:
    """The candidate to go on from; None where there is none that belongs to *champion*, the version that serves.

    It belongs to it where it was judged against it, or descends from it since: a challenger was promoted after which
    it was made. It ends where a later run showed its loss, where a version of its line was rejected or served and was
    taken back, or where it cannot be loaded.
    """
    try:
        found = _tip(care, champion)
        return care.registry.load(found.number) if found is not None else None
    except (RegistryError, SpecError):  # a version was deleted, or its files were, or they may not be read any more
        return None


def learned_until(care: Kept, champion: str) -> datetime | None:
    """The watermark of the candidate to go on from, by its tag; None where there is none."""
    try:
        found = _tip(care, champion)
    except RegistryError:  # a version was deleted
        return None
    told = found.tags.get("ratoon.watermark") if found is not None else None
    return datetime.fromisoformat(told) if told is not None else None


def _tip(care: Kept, champion: str) -> Version | None:
    if care.spec.learner.unproven == "drop":
        return None
    found = care.registry.candidate()
    if found is None or found.number == champion:
        return None
    line = _line(care, found)
    belongs = champion in (*line, found.against)
    if not belongs or _lost_since(care, found) or _taken_back(care, line, champion):
        return None
    return None if {each.number for each in care.registry.rejected()} & line else found


def learned_broken(care: Kept, view: View, looks: Sequence[Look], candidate: Trained, since: datetime) -> bool:
    """Whether *candidate* learned rows behind the watermark *since* that *looks* found to be of broken data since."""
    made = care.registry.version(candidate.version or "").tags.get("ratoon.at")
    if made is None:
        return False
    known = broken_spans([look for look in looks if look.at <= datetime.fromisoformat(made)])
    now = broken_spans(looks)
    if known == now:
        return False
    learned = view.learned(candidate.state.watermark, since)
    return len(without(learned, now)) < len(without(learned, known))


def _line(care: Kept, tip: Version) -> set[str]:
    """*tip* and the versions that it goes on from, up to the champion that it was judged against, which is left out."""
    found, parent = {tip.number}, tip.parent
    while parent is not None and parent != tip.against:
        found.add(parent)
        parent = care.registry.version(parent).parent
    return found


def _lost_since(care: Kept, tip: Version) -> bool:
    """Whether a run after the one that made *tip* ended its line. The ledger knows, also where the alias stayed."""
    runs = care.ledger.updates(care.spec.model)
    own = next((place for place, run in enumerate(runs) if run.decision == tip.decision), len(runs))
    return any(run.evidence.get("line_ended") is True for run in runs[own + 1 :])


def _taken_back(care: Kept, line: set[str], champion: str) -> bool:
    """Whether a version of *line* served and one outside was put in its place, also where nobody wrote it down yet.

    But for a catch: who promoted past the gate and was put back said nothing against the candidate.
    """
    moves = care.ledger.champions(care.spec.model)
    left = any(m.previous in line and m.version not in line and m.kind != "put_back" for m in moves)
    return left or (bool(moves) and moves[-1].version in line and champion not in line)
