"""The metrics of each task, their intervals, and what a candidate gains on the same rows."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
