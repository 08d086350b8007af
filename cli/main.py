"""The entry point: the console script `ratoon`, and `python -m ratoon.cli.main`."""

from __future__ import annotations

from .app import app, run

__all__ = ["app", "run"]

if __name__ == "__main__":
    run()
