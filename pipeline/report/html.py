# SPDX-License-Identifier: AGPL-3.0-or-later
"""The report as a page for archivists."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report.charts import Bar, bars
from pipeline.report.texts import labels, text

_CHARTED = 12


def render(gathered: dict[str, Any], language: str) -> str:
    """Return a whole HTML document in Swedish ("sv") or English ("en")."""
    environment = Environment(
        loader=PackageLoader("pipeline.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = _Words(language)
    environment.filters.update(
        number=words.number,
        size=words.size,
        share=words.share,
        time=words.time,
        decimal=words.decimal,
        beside=lambda path: f"../{quote(path)}",  # from the report's folder
        page_of=lambda path: re.findall(r"page-0*(\d+)", path)[-1],
        pairs=lambda digits: " ".join(digits[at : at + 2] for at in range(0, len(digits), 2)),
    )
    environment.globals.update(
        t=words.label,
        meaning=lambda code: text(code, language).meaning,
        remedy=lambda code: text(code, language).remedy,
        language=language,
    )
    return environment.get_template("report.html").render(
        report=gathered,
        outcome_chart=Markup(_outcome_chart(gathered, words)),  # noqa: S704 - charts escape
        format_chart=Markup(_format_chart(gathered, words)),  # noqa: S704 - charts escape
    )


class _Words:
    """Labels, numbers and dates of one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._locale = {"sv": "sv_SE", "en": "en_GB"}[language]

    def label(self, key: str) -> str:
        # A label that is missing is found by a test; it must not cost anybody a report.
        return labels(self._language).get(key, key)

    def number(self, value: float) -> str:
        return format_decimal(value, locale=self._locale)

    def decimal(self, value: float) -> str:
        return format_decimal(value, "0.0", locale=self._locale)

    def size(self, value: float) -> str:
        """Return bytes in decimal units (IEC 80000-13: kB is 1000 bytes)."""
        amount, unit = float(value), "B"
        for unit in ("B", "kB", "MB", "GB", "TB"):
            if amount < 1000 or unit == "TB":
                break
            amount /= 1000
        pattern = "#,##0" if unit == "B" or amount >= 100 else "#,##0.0"
        return f"{format_decimal(amount, pattern, locale=self._locale)} {unit}"

    def share(self, value: float) -> str:
        return format_percent(value, "#,##0.0 %", locale=self._locale)

    def time(self, value: str | None) -> str:
        if not value:
            return "–"
        moment = datetime.fromisoformat(value)
        return f"{format_datetime(moment, 'yyyy-MM-dd HH:mm', locale=self._locale)} UTC"


def _outcome_chart(gathered: dict[str, Any], words: _Words) -> str:
    rows = [
        Bar(
            words.label(f"outcome.{one['outcome']}"),
            ((one["files"], "good" if one["good"] else "attention"),),
            words.number(one["files"]),
        )
        for one in gathered["outcomes"]
    ]
    return bars(rows, words.label("outcomes"))


def _format_chart(gathered: dict[str, Any], words: _Words) -> str:
    formats = gathered["formats"]
    rows = [
        Bar(
            f"{one['name']} {one['version']}".strip() or one["puid"] or words.label("unknown"),
            ((one["good"], "good"), (one["attention"], "attention")),
            f"{words.number(one['files'])}, {words.size(one['bytes'] or 0)}",
        )
        for one in formats[:_CHARTED]
    ]
    rest = formats[_CHARTED:]
    if rest:
        label = words.label("other_formats").format(count=words.number(len(rest)))
        good, bad = sum(one["good"] for one in rest), sum(one["attention"] for one in rest)
        rows.append(Bar(label, ((good, "good"), (bad, "attention")), words.number(good + bad)))
    return bars(rows, words.label("formats"))
