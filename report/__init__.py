"""The report: one model's life on one HTML page, from the ledger and the registry alone."""
