"""The Prefect flows: monitor, retrain, promote, replay. They compose the rooms below and hold no method."""

import os

# Nothing that Ratoon starts reports to anybody; set before Prefect, MLflow or Evidently are imported.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# The embedded server of a first run migrates its database, which outlasts the default of 20 s on small machines.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
