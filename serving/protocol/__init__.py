"""Requests and answers: the Open Inference Protocol V2 and MLflow's forms, without a server."""
