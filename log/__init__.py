"""The log: what was predicted and what came true, durable, in the order in which it came.

    log = open_log("sqlite:////var/lib/ratoon/log.db")
    log.append_predictions("late-flights", [Prediction("r1", now, "3", {"day": 2}, 0.7)])
    log.append_labels("late-flights", [LabelEvent("r1", 1)])      # on the disk when it returns
    log.labels_after("late-flights", position=0, limit=1000)

Many threads or tasks share one commit through a `GroupCommit`.
"""

from .entries import LabelEvent, LoggedLabel, LoggedPrediction, LogSummary, Prediction, Status
from .group import GroupCommit, QueueFull
from .log import Log, open_log

__all__ = [
    "GroupCommit",
    "LabelEvent",
    "Log",
    "LogSummary",
    "LoggedLabel",
    "LoggedPrediction",
    "Prediction",
    "QueueFull",
    "Status",
    "open_log",
]
