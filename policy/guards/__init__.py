"""Guards: one file for each reason why a rule that holds may still not fire."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
