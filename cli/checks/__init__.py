"""What `ratoon check` finds, by its subject."""
