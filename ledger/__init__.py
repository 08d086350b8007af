"""The ledger: what was seen, decided and done, kept for good. Append-only, in SQLite or PostgreSQL."""
