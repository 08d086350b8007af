"""Screens over the rows of a window: how many, how often, when, and which are impossible."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
