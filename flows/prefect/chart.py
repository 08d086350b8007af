"""A small line chart as an image inside Markdown: Prefect's pages show `data:image/…` and nothing else drawn.

Prefect's own image artifact wants an address that the reader's browser can reach; a file of ours has none.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 200, 56, 12, 28, 26
INK, LINE, LIMIT, BAND = "#475569", "#2563eb", "#dc2626", "#bfdbfe"


@dataclass(frozen=True)
class Point:
    """One window: *when* as shown, its value with the ends of its interval, None where it was not measured."""

    when: str
    value: float | None
    low: float | None = None
    high: float | None = None


def chart(title: str, points: Sequence[Point], *, limit: float | None, limit_name: str) -> str:
    """Markdown of one image: values from left to right, their intervals, and the limit as a dashed line.

    Empty where fewer than two windows were measured: a dot tells nothing.
    """
    if sum(point.value is not None for point in points) < 2:
        return ""
    svg = _svg(title, points, limit, limit_name)
    return f"![{title}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


def _svg(title: str, points: Sequence[Point], limit: float | None, limit_name: str) -> str:
    known = [v for p in points for v in (p.value, p.low, p.high) if v is not None]
    known += [limit] if limit is not None else []
    least, most = min(known), max(known)
    room = (most - least or abs(most) or 1.0) * 0.08
    least, most = least - room, most + room

    def x(index: int) -> float:
        return LEFT + index * (WIDTH - LEFT - RIGHT) / max(len(points) - 1, 1)

    def y(value: float) -> float:
        return TOP + (most - value) / (most - least) * (HEIGHT - TOP - BOTTOM)

    drawn = [_text(LEFT, 16, title, weight="600")]
    for value in (least + room, most - room):
        drawn.append(_text(LEFT - 6, y(value) + 4, f"{value:.3g}", anchor="end"))
    drawn.append(_text(LEFT, HEIGHT - 8, points[0].when))
    drawn.append(_text(WIDTH - RIGHT, HEIGHT - 8, points[-1].when, anchor="end"))
    for index, p in enumerate(points):
        if p.low is not None and p.high is not None:
            drawn.append(
                f'<line x1="{x(index):.1f}" x2="{x(index):.1f}" y1="{y(p.low):.1f}" y2="{y(p.high):.1f}" '
                f'stroke="{BAND}" stroke-width="6"/>'
            )
    if limit is not None:
        drawn.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(limit):.1f}" y2="{y(limit):.1f}" stroke="{LIMIT}" '
            'stroke-dasharray="5 4"/>'
        )
        drawn.append(_text(WIDTH - RIGHT, 16, f"- - {limit_name} {limit:.3g}", anchor="end", fill=LIMIT))
    at = [(x(index), y(p.value)) for index, p in enumerate(points) if p.value is not None]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in at)
    drawn.append(f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    drawn += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{LINE}"/>' for a, b in at]
    # A white ground of its own: the page behind it may be dark.
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>'
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{ground}{"".join(drawn)}</svg>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400", fill: str = INK) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="12" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
    )
