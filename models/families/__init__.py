"""One file for each model family: how its first fit is made, and how a fitted model continues."""
