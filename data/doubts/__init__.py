"""What the values of a source speak against: what `check` and `init` question."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
