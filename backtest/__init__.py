"""Prove: history replayed through the same loop as live, for a policy and for all that it is compared with."""
