"""Screens over columns: ranges, units, order, missing values; and drift."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
