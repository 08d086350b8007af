"""Screens over columns: ranges, units, order, missing values; and drift."""
