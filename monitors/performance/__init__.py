"""Performance on matured labels, and its estimate where labels are still to come."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
