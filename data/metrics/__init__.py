"""The metrics of each task, their intervals, and what a candidate gains on the same rows."""
