"""The ladder of strategies: which one learns, what each attempt came to, and which are skipped."""
