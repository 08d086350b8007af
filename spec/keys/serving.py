"""How a model is served by `ratoon serve` and `ratoon up`."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

from ..duration import Duration
from ..size import Size
from .part import Part
from .relative import FilePath


class ServingLimits(Part):
    """What requests may take; whatever is beyond is refused, and others are served."""

    body: Size = Field(16 * 2**20, ge=2**10, description="Of one request's body, unpacked: 413 beyond")
    rows: int = Field(10_000, ge=1, le=10_000_000, description="Of one request: 413 beyond")
    time: Duration = Field(
        timedelta(seconds=30), description="For one request to come whole, and for its answer: 504 beyond"
    )
    waiting: int = Field(256, ge=1, le=1_000_000, description="Requests that wait for their turn: 503 beyond")
    connections: int = Field(
        1_000, ge=1, le=1_000_000, description="Of one replica; beyond, the longest idle one is closed"
    )
    idle: Duration = Field(timedelta(seconds=75), description="A connection without a request is closed after this")

    @field_validator("time", "idle")
    @classmethod
    def _some(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError("expected a second or more, such as 30s")
        return value


class ServingSpec(Part):
    """How the champion is served over HTTP; with this key `ratoon up` serves the model too."""

    host: str = Field(
        "127.0.0.1", min_length=1, description="Address to listen on; one that others reach needs API keys"
    )
    port: int = Field(8080, ge=1, le=65535, description="Port of all replicas")
    replicas: int = Field(1, ge=1, le=256, description="Processes behind the port")
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port of the first replica's metrics, the next replica's is one higher; left out: `/metrics` on "
        "`port`, which several replicas cannot have",
    )
    poll: Duration = Field(timedelta(seconds=2), description="Between two looks at the registry's aliases")
    log: Literal["await", "buffer", "off"] = Field(
        "buffer",
        description="`await`: no answer that is not in the log; `buffer`: written soon after, counted where it cannot "
        "be; `off`: predictions are not kept",
    )
    buffer: int = Field(50_000, ge=1, le=100_000_000, description="Most rows that wait to be written to the log")
    api_keys: FilePath | None = Field(
        None, description="File with the API keys, hashed, one a line; left out: $RATOON_API_KEYS holds the lines"
    )
    limits: ServingLimits = ServingLimits()
    drain: Duration = Field(
        timedelta(seconds=5), description="After SIGTERM: not ready, but still answering, for so long"
    )
    access_log: bool = Field(True, description="Whether each request leaves a line of JSON on standard output")

    @field_validator("poll")
    @classmethod
    def _not_too_often(cls, value: timedelta) -> timedelta:
        if value < timedelta(milliseconds=50):
            raise ValueError("expected 0.05s or more")
        return value
