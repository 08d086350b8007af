"""One file for each kind of model that others log in MLflow: how it is loaded, and what Ratoon makes of it."""
