"""Serves what SharesLearner of kept_builds.py saved, without Ratoon."""

import json
from pathlib import Path

import mlflow
import numpy as np


class Served(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.counts = json.loads((Path(context.artifacts["model"]) / "shares.json").read_text())

    def predict(self, context, model_input, params=None):
        return np.asarray(self.counts).argmax(axis=1)[(model_input["b"] > 0).astype(int)]


mlflow.models.set_model(Served())
