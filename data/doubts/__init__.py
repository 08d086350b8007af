"""What the values of a source speak against: what `check` and `init` question."""
