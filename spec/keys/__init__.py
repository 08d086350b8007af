"""The parts of a spec: one file for each of its keys, with descriptions, bounds and defaults."""
