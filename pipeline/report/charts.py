# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bar charts as inline SVG: no script, no network, readable in print and by screen readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_ROW, _LABEL, _BAR, _WIDTH = 26, 300, 420, 860


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: parts are (value, CSS class), drawn one after the other."""

    label: str
    parts: tuple[tuple[float, str], ...]
    shown: str

    @property
    def total(self) -> float:
        """The bar's length."""
        return sum(value for value, _ in self.parts)


def bars(rows: Sequence[Bar], title: str) -> str:
    """Return an SVG element of horizontal bars, "" for no rows."""
    if not rows:
        return ""
    longest = max((row.total for row in rows), default=0) or 1
    height = _ROW * len(rows) + 6
    lines = [
        f'<svg class="chart" role="img" viewBox="0 0 {_WIDTH} {height}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>'
    ]
    for number, row in enumerate(rows):
        top = number * _ROW + 4
        middle = top + 13
        lines.append(
            f'<text x="{_LABEL - 8}" y="{middle}" text-anchor="end">{escape(_cut(row.label))}'
            f"<title>{escape(row.label)}</title></text>"
        )
        left = float(_LABEL)
        for value, kind in row.parts:
            # Something that is there must be seen, however small its share.
            width = max(value / longest * _BAR, 2.0) if value else 0.0
            lines.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="17"/>'
            )
            left += width
        lines.append(f'<text x="{left + 6:.1f}" y="{middle}">{escape(row.shown)}</text>')
    lines.append("</svg>")
    return "".join(lines)


def _cut(label: str) -> str:
    return label if len(label) <= 44 else f"{label[:43]}…"
