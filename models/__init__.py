"""Learners, training state, result, gate and registry.

This room knows nothing of why it was called: it gets canonical frames and a spec, and hands back
values. MLflow is imported in `registry/` (and by the formats in `families/`) alone, and only once a registry is opened.
"""

import os

# Set before anything can import mlflow: it reads some of them once, at import. The last two keep its
# addresses and progress notes out of what our commands print.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Where two requirements name one package, MLflow would ask an index on the network whether they agree.
os.environ.setdefault("MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
