"""Work in processes of their own: limits, the worker, estimators that predict elsewhere, and users' files."""
