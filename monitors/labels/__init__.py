"""Screens for labels: faults that look like harm, delays that depend on the label, and revisions."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
