"""Triage: one verdict over all signals of a window, and how long a loss must last to count."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
