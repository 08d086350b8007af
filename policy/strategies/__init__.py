"""What each strategy has earned, and which of them a run begins with."""
