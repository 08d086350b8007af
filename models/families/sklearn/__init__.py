"""scikit-learn's estimators: what learns on by partial_fit, clusterings, and what fits from scratch only."""
