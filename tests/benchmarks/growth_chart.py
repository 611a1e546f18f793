"""A chart of how the costs grow with the number of orgs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

_SERIES: Final = (("cpu_percent", "% of a core"), ("memory_mb", "MB"), ("bytes_a_second", "bytes a second"))
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 300, 200, 46, 30, 34


def draw_growth(rows: Sequence[dict[str, Any]]) -> str:
    """SVG: a curve for each cost over the number of orgs (logarithmic); dashed: an empty app.

    Args:
        rows: of the benchmark `left_open`; 0 orgs is the empty app.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH * len(_SERIES)} {_HEIGHT}" '
        'font-family="monospace" font-size="10" fill="#667">'
    ]
    for place, (key, unit) in enumerate(_SERIES):
        parts += [f'<g transform="translate({place * _WIDTH} 0)">', *_curve(rows, key, unit), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _curve(rows: Sequence[dict[str, Any]], key: str, unit: str) -> list[str]:
    points = [(row["orgs"], row[key]) for row in rows if row["orgs"]]
    base = next((row[key] for row in rows if not row["orgs"]), 0.0)
    most = max([base, *(value for _, value in points)]) * 1.15 or 1.0
    last = math.log10(max(orgs for orgs, _ in points)) or 1.0

    def x(orgs: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - 24) * math.log10(orgs) / last

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / most)

    drawn = [f'<text x="{_LEFT}" y="20" font-size="12">{unit}</text>']
    drawn += [
        f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y(0):.1f}" y2="{y(0):.1f}" stroke="#99a"/>',
        f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y(base):.1f}" y2="{y(base):.1f}" '
        'stroke="#99a" stroke-dasharray="4 3"/>',
        f'<polyline fill="none" stroke="#2a7ae2" stroke-width="2" points="'
        f'{" ".join(f"{x(orgs):.1f},{y(value):.1f}" for orgs, value in points)}"/>',
    ]
    for orgs, value in points:
        drawn.append(f'<circle cx="{x(orgs):.1f}" cy="{y(value):.1f}" r="3" fill="#2a7ae2"/>')
        drawn.append(
            f'<text x="{x(orgs):.1f}" y="{_HEIGHT - 14}" text-anchor="middle">{_short(orgs)}</text>'
        )
        drawn.append(
            f'<text x="{x(orgs):.1f}" y="{y(value) - 7:.1f}" text-anchor="end">{_figure(value)}</text>'
        )
    return drawn


def _figure(value: float) -> str:
    return f"{value / 1000:.1f}k" if value >= 1000 else f"{value:.3g}"


def _short(orgs: int) -> str:
    return f"{orgs // 1000}k" if orgs >= 1000 else str(orgs)
