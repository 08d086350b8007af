"""The commands: Typer and Rich over the flows."""
