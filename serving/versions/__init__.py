"""The versions that answer: loaded, verified, prepared, and in step with the registry's aliases."""
