"""The policy: facts in, decision out. No clock, no network, no files."""
