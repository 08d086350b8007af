"""`ratoon serve`: the champion answers over HTTP, by the Open Inference Protocol V2 and MLflow's `/invocations`."""
