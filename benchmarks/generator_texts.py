# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts, tables, mark-up and mail of about a wanted size, each of words of its own."""

from __future__ import annotations

import json
from random import Random

_WORDS = (
    "ärende", "beslut", "nämnd", "yttrande", "bygglov", "fastighet", "sökande", "handläggare",
    "protokoll", "bilaga", "kommun", "översiktsplan", "åtgärd", "remiss", "ansökan", "tillstånd",
    "skola", "vård", "omsorg", "budget", "avtal", "förvaltning", "ledamot", "sammanträde", "samråd",
    "dagvatten", "gata", "väg", "ängen", "östra", "åkern", "och", "att", "i", "på", "för", "med",
    "som", "enligt", "under", "efter", "inom", "mellan", "av", "till", "är", "ska", "kan", "har",
)  # fmt: skip


def sentence(rng: Random) -> str:
    """Return a line of six to fourteen words that says nothing."""
    words = rng.choices(_WORDS, k=rng.randint(6, 14))
    return f"{words[0].capitalize()} {' '.join(words[1:])} {rng.randint(1, 9999)}."


def lines(rng: Random, size: int) -> list[str]:
    """Return sentences of `size` bytes in UTF-8 together, one at the least."""
    found: list[str] = []
    left = size
    while left > 0 or not found:
        found.append(sentence(rng))
        left -= len(found[-1].encode()) + 1
    return found


def text(rng: Random, size: int) -> bytes:
    """Return plain text in UTF-8."""
    return ("\n".join(lines(rng, size)) + "\n").encode()


def markdown(rng: Random, size: int) -> bytes:
    """Return Markdown: a heading and paragraphs."""
    return (f"# Ärende {rng.randint(1, 99999)}\n\n" + "\n\n".join(lines(rng, size)) + "\n").encode()


def table(rng: Random, size: int) -> bytes:
    """Return CSV with semicolons, as Swedish spreadsheets write it."""
    rows = ["diarienummer;datum;mening;belopp"]
    left = size - len(rows[0])
    while left > 0 or len(rows) < 3:
        number, day = rng.randint(1, 99999), rng.randint(1, 28)
        words = " ".join(rng.choices(_WORDS, k=4))
        rows.append(f"KS 2024-{number:05};2024-{rng.randint(1, 12):02}-{day:02};{words};{number}")
        left -= len(rows[-1].encode()) + 1
    return ("\n".join(rows) + "\n").encode()


def xml(rng: Random, size: int) -> bytes:
    """Return well-formed XML in no namespace."""
    body = "\n".join(f"<händelse>{one}</händelse>" for one in lines(rng, size * 3 // 4))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}<ärende>\n{body}\n</ärende>\n".encode()


def html(rng: Random, size: int) -> bytes:
    """Return a page of HTML 5."""
    body = "\n".join(f"<p>{one}</p>" for one in lines(rng, size * 9 // 10))
    title = f"<title>Ärende {rng.randint(1, 99999)}</title>"
    return (
        f'<!DOCTYPE html>\n<html lang="sv"><head><meta charset="utf-8">{title}</head>'
        f"<body>\n{body}\n</body></html>\n"
    ).encode()


def json_(rng: Random, size: int) -> bytes:
    """Return one JSON object."""
    return json.dumps(
        {"ärende": rng.randint(1, 99999), "rader": lines(rng, size)}, ensure_ascii=False
    ).encode()


def rtf(rng: Random, size: int) -> bytes:
    """Return RTF 1.5 in code page 1252 (Rich Text Format Specification 1.5, "Header")."""
    head = (
        "{\\rtf1\\ansi\\ansicpg1252\\deff0\\deflang1053{\\fonttbl{\\f0\\fswiss Liberation Sans;}}\n"
    )
    # \lang and \uc came with 1.5; PRONOM tells the versions apart by such words.
    body = "".join(
        f"\\pard\\plain\\f0\\fs22 {_escaped(one)}\\par\n" for one in lines(rng, size * 2 // 3)
    )
    return (head + "{\\colortbl;\\red0\\green0\\blue0;}" + body + "}").encode("ascii")


def _escaped(line: str) -> str:
    return "".join(one if ord(one) < 128 else f"\\'{ord(one):02x}" for one in line)


def mail(rng: Random, size: int) -> bytes:
    """Return a message (RFC 5322) with nothing attached, 8 bits, line ends CRLF."""
    number, day = rng.randint(1, 999999), rng.randint(10, 28)
    head = (
        "Return-Path: <sokanden@example.org>",
        f"Received: from mail.example.org by mx.example.org; {day} Mar 2024 09:30:00 +0100",
        f"Message-ID: <{number}@example.org>",
        f"Date: {day} Mar 2024 09:30:00 +0100",
        "From: sokanden@example.org",
        "To: registrator@example.org",
        f"Subject: Fraga om KS 2024-{number}",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: 8bit",
        "",
    )
    return ("\r\n".join([*head, *lines(rng, size), ""])).encode()


def noise(rng: Random, size: int) -> bytes:
    """Return bytes that no signature knows."""
    return b"\xf1" * 8 + rng.randbytes(max(size - 8, 8))
