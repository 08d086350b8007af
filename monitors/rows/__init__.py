"""Screens over the rows of a window: how many, how often, when, and which are impossible."""
