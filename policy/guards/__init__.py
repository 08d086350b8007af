"""Guards: one file for each reason why a rule that holds may still not fire."""
