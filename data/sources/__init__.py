"""From the spec's words for a place to questions that an engine answers."""
