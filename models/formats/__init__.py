"""One file for each way to save a version: what it may hold, how MLflow logs it, how it comes back."""
