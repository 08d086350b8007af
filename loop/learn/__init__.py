"""What a training run learns: rows, holdout, strategies, and the background candidates."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
