"""Rules: their conditions in CEL, the variables that conditions may use, and checking both."""
