"""Screens for labels: faults that look like harm, delays that depend on the label, and revisions."""
