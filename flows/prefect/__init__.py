"""What only Prefect needs: names, forms, artifacts, events, progress, deployments, and what a killed worker left."""
