"""What a training run learns: rows, holdout, strategies, and the background candidates."""
