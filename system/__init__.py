"""What the operating system is asked for: locks between processes, which live, and what they use."""
