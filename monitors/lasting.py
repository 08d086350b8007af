"""A fault is abrupt: what the windows before already held is the world as it is now.

The reference of a champion that is not updated grows old. A stream that grew, a category that became common or a
sensor that was moved would then break every window, and its rows, left out for good, could never be learned. So what
fails against an old reference must fail against the recent windows as well; else it is worth a look only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .columns.screens import Finding

# What a schema lost is a fault however long it lasts; `label_order` asks the windows before by itself.
CAN_LAST = frozenset(
    {
        "volume",
        "duplicates",
        "copies",
        "multiplied",
        "holes",
        "missing_share",
        "nulls",
        "out_of_range",
        "new_categories",
        "constant",
        "stuck",
        "scale",
        "swapped",
        "misaligned",
        "clock",
        "gap",
        "label_rows",
        "label_scale",
        "label_classes",
        "label_range",
    }
)
_SILENT = frozenset({"label_range"})  # these say nothing where they find nothing
_GONE = 0.999  # of a column's values missing: it is no longer there, and no growth


def lasting(finding: Finding, again: Sequence[Finding]) -> Finding:
    """*finding*, a `warn` where it failed and *again*, the same screens against the recent windows, finds no fault.

    A screen that had too little to judge by there leaves it as it is.
    """
    if finding.status != "fail" or finding.metric not in CAN_LAST:
        return finding
    if finding.metric == "missing_share" and (finding.value or 0.0) >= _GONE:
        return finding
    same = [f for f in again if f.metric == finding.metric and f.column in (finding.column, None)]
    if (not same and finding.metric not in _SILENT) or any(f.status in ("fail", "unknown") for f in same):
        return finding
    return as_lasting(finding)


def as_lasting(finding: Finding) -> Finding:
    """*finding*, which is no fault, because what it found was there in the windows before as well."""
    return replace(
        finding,
        status="warn",
        lasting=True,
        within=None,
        note=f"{finding.note}; so it was in the windows before: it lasts",
    )
