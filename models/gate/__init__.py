"""The gate: what a candidate must prove against the champion before it may be registered.

Two strata of the holdout are judged. `recent` holds rows newer than the champion's watermark; `anchor` older
ones, so that an update that forgets is noticed. Slices that the spec names are cut from them. All are judged by the
same metric (strata.py); flips, calibration, latency and size are checked beside it (flips.py, calibration.py,
resources.py).

What cannot be judged is `unsure`, never a pass: too few rows, one class only, a metric without value. A candidate
that cannot predict is refused. A champion that cannot is replaceable: see pair.py.
"""

from typing import TYPE_CHECKING

from ...former import moved
from .answers import Answers
from .judge import Circumstances, PrequentialPredictions, judge
from .returns import NO_TRIALS, Earlier
from .verdict import Bounds, Check, Gain, GateResult, Stratum, in_percent

__all__ = [
    "NO_TRIALS",
    "Answers",
    "Bounds",
    "Check",
    "Circumstances",
    "Earlier",
    "Gain",
    "GateResult",
    "PrequentialPredictions",
    "Stratum",
    "in_percent",
    "judge",
]

if not TYPE_CHECKING:  # mypy knows no former names, and so every misspelt one
    __getattr__ = moved(__name__)
