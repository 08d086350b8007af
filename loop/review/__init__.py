"""What people do with versions: adopt, accept, approve, and what was approved by nobody."""
