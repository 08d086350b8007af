"""What a replica's metrics read from it at each scrape."""

from __future__ import annotations

from datetime import UTC, datetime

from .metrics import NONE, since
from .replica import Replica


def add_gauges(replica: Replica) -> None:
    """Let the replica's metrics tell of its version, its age, and what waits."""
    gauge = replica.metrics.gauge
    gauge("ready", "Whether the replica takes requests", lambda: float(replica.not_ready() is None))
    gauge("version", "The number of the version that serves", lambda: _version(replica))
    gauge("staleness_seconds", "Age of the newest label that the version learned", lambda: _staleness(replica))
    gauge("registry_age_seconds", "Since the registry last answered", lambda: since(replica.follower.polled))
    gauge("waiting_requests", "Requests that wait for a prediction", lambda: float(replica.execution.waiting))
    gauge("log_waiting_rows", "Predictions that wait to be written", lambda: _waiting(replica))
    replica.metrics.counted("log_dropped_rows", "Predictions that are not in the log", lambda: _dropped(replica))


def _version(replica: Replica) -> float:
    champion = replica.follower.now.champion
    return float(champion.number) if champion is not None and champion.number.isdigit() else NONE


def _staleness(replica: Replica) -> float:
    champion = replica.follower.now.champion
    now = datetime.now(UTC).replace(tzinfo=None)
    return NONE if champion is None else (now - champion.watermark).total_seconds()


def _waiting(replica: Replica) -> float:
    return 0.0 if replica.recorder is None else float(replica.recorder.waiting)


def _dropped(replica: Replica) -> float:
    return 0.0 if replica.recorder is None else float(replica.recorder.dropped)
