# Ratoon with its servers: one image, from which compose.yaml runs each part. Build: docker build -t ratoon .
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    DO_NOT_TRACK=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    MLFLOW_DISABLE_TELEMETRY=true

# LightGBM and XGBoost need OpenMP's library; nothing is compiled here.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

# The constraints name the versions that were measured to work together.
COPY . /src
RUN pip install -c /src/constraints.txt "/src[postgres,lightgbm,xgboost,river]" && rm -rf /src

RUN useradd --create-home --uid 1000 ratoon \
    && mkdir -p /var/lib/ratoon/evidently /var/lib/ratoon/mlartifacts /var/lib/ratoon/prefect \
    /var/lib/ratoon/hooks /project/.ratoon \
    && chown -R ratoon:ratoon /var/lib/ratoon /project
USER ratoon
WORKDIR /project

# Each service of compose.yaml has a check of its own; this one is for the image run alone.
HEALTHCHECK --interval=60s --timeout=30s CMD ["ratoon", "--help"]
CMD ["ratoon", "--help"]
