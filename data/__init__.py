"""Rows and labels as of a moment: sources through Ibis, windows, the label join, the holdout, the metrics."""
