"""The gate's differences with their intervals, as one self-contained SVG that MLflow shows beside the version."""

from __future__ import annotations

from html import escape

from . import GateResult, Stratum, in_percent

_WIDTH, _LEFT, _RIGHT, _ROW = 820, 210, 200, 34
_COLOURS = {"passed": "#1a7f37", "refused": "#c62828", "unsure": "#9a6700"}


def drawn(gate: GateResult) -> str:
    """An SVG with one line for each stratum and slice that has a gain; right of zero the candidate is better."""
    shown = [each for each in gate.strata if each.gain is not None and _finite(each)]
    ends = [0.0] + [end for each in shown if each.gain for end in (each.gain.low, each.gain.high)]
    least, most = min(ends), max(ends)
    room = (most - least) * 0.08 or 1.0
    least, most = least - room, most + room
    height = 84 + _ROW * max(len(shown), 1)

    def x(value: float) -> float:
        return _LEFT + (value - least) / (most - least) * (_WIDTH - _LEFT - _RIGHT)

    zero = x(0.0)
    title = f"Gain of the candidate in {gate.metric}, with {in_percent(gate.level)} intervals"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13" fill="#1f2328">',
        f'<title>{escape(title)}</title><rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="15" font-weight="bold">{escape(title)}</text>',
        f'<line x1="{zero:.1f}" y1="40" x2="{zero:.1f}" y2="{height - 34}" stroke="#57606a" stroke-dasharray="4 3"/>',
        f'<text x="{zero:.1f}" y="{height - 14}" text-anchor="middle">0 = as the champion; right is better</text>',
    ]
    if not shown:
        parts.append('<text x="16" y="64">Nothing could be measured: see the table for why.</text>')
    for row, each in enumerate(shown):
        parts += _line(each, 60 + row * _ROW, x)
    return "\n".join([*parts, "</svg>"])


def _line(each: Stratum, y: int, x: object) -> list[str]:
    assert each.gain is not None and callable(x)  # noqa: S101 - drawn() passes only such
    low, middle, high = x(each.gain.low), x(each.gain.value), x(each.gain.high)
    colour = _COLOURS.get(each.verdict, "#57606a")
    words = f"{each.gain.value:+.4g} ({each.gain.low:+.4g} to {each.gain.high:+.4g})"
    return [
        f'<text x="16" y="{y + 4}">{escape(each.name)} ({each.rows:,} rows)</text>',
        f'<line x1="{low:.1f}" y1="{y}" x2="{high:.1f}" y2="{y}" stroke="{colour}" stroke-width="3"/>',
        f'<circle cx="{middle:.1f}" cy="{y}" r="5" fill="{colour}"/>',
        f'<text x="{_WIDTH - _RIGHT + 10}" y="{y - 2}" fill="{colour}">{escape(each.verdict)}</text>',
        f'<text x="{_WIDTH - _RIGHT + 10}" y="{y + 13}" font-size="11">{words}</text>',
    ]


def _finite(each: Stratum) -> bool:
    gain = each.gain
    return gain is not None and all(abs(value) < 1e300 for value in (gain.value, gain.low, gain.high))
