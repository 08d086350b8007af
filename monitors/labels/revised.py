"""Labels that another one followed: how many of a window's, so that nobody takes provisional labels for final."""

from __future__ import annotations

from ...data.window import Window
from ...spec.values import Status
from ..columns.screens import Finding

_MANY = 0.01  # share of labels


def label_revisions(reference: Window, current: Window) -> list[Finding]:
    """The share of the window's labels that were revised, beside the reference's; nothing is said of none.

    The reference's is what is to come in the window, whose labels are younger.
    """
    share, was = (w.revised / w.labelled if w.labelled else 0.0 for w in (current, reference))
    if not current.revised and not reference.revised:
        return []
    status: Status = "warn" if max(share, was) > _MANY else "ok"
    note = (
        f"{current.revised:,} of {current.labelled:,} labels of the window were revised so far, {reference.revised:,} "
        f"of {reference.labelled:,} in the reference; the newest counts, and an update learns a row once. "
        "`data.mature_after` lets rows wait for their last label"
    )
    return [Finding("label_revisions", None, status, share, was, _MANY, note)]
