"""The backtest's quality and days in harm as people read them."""

from __future__ import annotations

from ..pages.words import UNKNOWN, known, within
from .compared import Answer, Difference
from .results import Quality

ANSWERS: dict[Answer, str] = {"beats": "beats it", "loses_to": "loses to it", "cannot_tell": "cannot be told from it"}
SHORT: dict[Answer, str] = {"beats": "beats", "loses_to": "loses to", "cannot_tell": "cannot tell"}


def days(value: float) -> str:
    """`3`; – where it is unknown."""
    return UNKNOWN if known(value) is None else f"{value:.0f}"


def interval(quality: Quality) -> str:
    """`0.754 (0.749 to 0.759)`, without the interval where there is none."""
    return within(quality.value, quality.low, quality.high)


def answer(found: Difference) -> str:
    """`beats it by 0.0123 (0.0045 to 0.0201) a stretch`, `cannot be told from it (-0.0012 to +0.0034 a stretch)`."""
    if found.verdict == "cannot_tell":
        shown = f" ({_signs(found)} a stretch)" if known(found.low) is not None else ""
        return ANSWERS[found.verdict] + shown
    low, high = sorted((abs(found.low), abs(found.high)))
    return f"{ANSWERS[found.verdict]} by {within(abs(found.value), low, high)} a stretch"


def in_short(found: Difference | None) -> str:
    """`beats: +0.0123 (+0.0045 to +0.0201)`; – where nothing was compared."""
    if found is None or known(found.value) is None:
        return UNKNOWN
    shown = f" ({_signs(found)})" if known(found.low) is not None else ""
    return f"{SHORT[found.verdict]}: {found.value:+.3g}{shown}"


def _signs(found: Difference) -> str:
    return f"{found.low:+.3g} to {found.high:+.3g}"
