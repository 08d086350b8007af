"""PyTorch modules with their optimiser and scheduler."""
