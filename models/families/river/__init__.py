"""River's models: learned row by row, saved by their own state."""
