"""The streams of the benchmarks in two halves: one to tune on, one to report, which nothing may be tuned on.

Each stream belongs to exactly one half. What was chosen on the tuning half stands in README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from made import WORLDS, write_made
from packaged import PACKAGED, write_packaged

Half = Literal["tuning", "reporting"]

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Stream:
    """Where its spec is, or how it is written into a folder; how often it is looked at, if not as the spec says."""

    half: Half
    spec: Path | Callable[[Path], Path]
    every: timedelta | None = None

    def path(self, folder: Path) -> Path:
        """The spec's file; a made or packaged stream is written into *folder* first."""
        return self.spec if isinstance(self.spec, Path) else self.spec(folder)


def _made(seed: int, half: Half) -> dict[str, Stream]:
    return {f"made-{name}-{seed}": Stream(half, partial(write_made, name, seed)) for name in WORLDS}


STREAMS: dict[str, Stream] = {
    "elec2": Stream("tuning", ROOT / "examples/elec2.yaml"),
    "bike": Stream("tuning", ROOT / "examples/bike.yaml"),
    "us_births": Stream("tuning", ROOT / "examples/us_births.yaml", timedelta(days=180)),
    **_made(0, "tuning"),
    **_made(2, "tuning"),
    **_made(3, "tuning"),
    "nycflights13": Stream("reporting", ROOT / "examples/nycflights13.yaml"),
    "noaa": Stream("reporting", ROOT / "examples/noaa_bellevue.yaml"),
    "metro": Stream("reporting", ROOT / "examples/metro_traffic.yaml"),
    "acs": Stream("reporting", ROOT / "examples/acs_employment.yaml"),
    "weather_aus": Stream("reporting", ROOT / "examples/weather_aus.yaml"),
    "nyc_hourly": Stream("reporting", ROOT / "examples/nyc_hourly.yaml"),
    **{name: Stream("reporting", partial(write_packaged, name)) for name in PACKAGED},
    **_made(1, "reporting"),
}


def chosen(half: Half | None, only: str | None) -> dict[str, Stream]:
    """The streams of *half* (left out: both), or those named in *only*, with commas between.

    Raises SystemExit for a name that there is not, or that belongs to the other half.
    """
    fitting = {name: each for name, each in STREAMS.items() if half in (None, each.half)}
    if only is None:
        return fitting
    wrong = [name for name in only.split(",") if name not in fitting]
    if wrong:
        raise SystemExit(
            f"No stream {wrong[0]!r}{f' in the {half} half' if half else ''}; there are {', '.join(fitting)}"
        )
    return {name: fitting[name] for name in only.split(",")}
