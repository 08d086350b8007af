"""Learning without a registry or a gate: features, fitted models, training state, and how an update learns."""
