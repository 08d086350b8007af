"""Lets the monitors' tests import their stream, sensor_stream.py, beside them; imports Evidently once."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import ratoon.monitors  # turns Evidently's telemetry off

sys.path.insert(0, str(Path(__file__).parent))

with warnings.catch_warnings():
    # While it is imported, evidently 0.7.23 uses np.core and calls of litestar that are deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    import evidently.metrics
    import evidently.ui.workspace

assert ratoon.monitors and evidently.metrics
