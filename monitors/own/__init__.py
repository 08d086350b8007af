"""Monitors of a team's own: how the spec names them, how they are called, and the tests that each must pass."""
