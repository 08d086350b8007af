"""Learners of the user's own, by file or entry point."""
