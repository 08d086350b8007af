"""Whether the flows of this process are Prefect's runs, or plain calls; chosen once, before they are imported."""

from __future__ import annotations

import sys

_without = False


def run_without_prefect() -> None:
    """Let the flows that this process imports from now on be plain functions.

    For a command that was given no Prefect server: one of Prefect's own, thrown away at its end, takes 10 to 30
    seconds of CPU and keeps nothing that the ledger does not. Where the flows are imported already they stay as they
    are.
    """
    global _without
    _without = "ratoon.flows.prefect.engine" not in sys.modules


def without_prefect() -> bool:
    """Whether the flows are, or will be, plain functions."""
    return _without
