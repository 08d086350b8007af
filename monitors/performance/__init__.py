"""Performance on matured labels, and its estimate where labels are still to come."""
