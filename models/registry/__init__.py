"""The only room that knows MLflow: versions, their files, tags and aliases, and how models become versions."""

from ...former import moved

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
