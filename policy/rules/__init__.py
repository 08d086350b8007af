"""Rules: their conditions in CEL, the variables that conditions may use, and checking both."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
