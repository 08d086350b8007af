"""Triage: one verdict over all signals of a window, and how long a loss must last to count."""
