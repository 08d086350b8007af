"""What one monitoring run sees: its windows, what was served on them, and how decisions turned out."""
