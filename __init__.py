"""Ratoon: retrain when it pays, from where you left off."""

__version__ = "0.1.0"
