"""What walks on pages share stands in files beside the tests; results that nobody ran are the backtest's."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "backtest")]
