"""Ratoon: retrain when it pays, from where you left off."""

from ratoon.former import install  # pytest imports this file under another name too

__version__ = "0.1.0"

install()
