"""The only room that knows MLflow: versions, their files, tags and aliases, and how models become versions."""
