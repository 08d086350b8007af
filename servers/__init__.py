"""The real servers that people meet: Prefect, MLflow, Evidently's UI, a worker, and the ear for MLflow's webhooks."""
