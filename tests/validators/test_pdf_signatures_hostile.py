# SPDX-License-Identifier: AGPL-3.0-or-later
"""Signatures that are garbage or lie: told as what they are, and never a bar."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from pipeline.core import isolate
from pipeline.core.records import Outcome, Verdict
from pipeline.core.signed import (
    SignatureCoverage,
    SignatureStatus,
)
from pipeline.steps.validate import facts, obstacle, summary, validate
from tests.contract.samples import pdf
from tests.validators.signing import (
    judge,
    one,
    sign,
    signed,
)
from validators.pdf_signatures import VALIDATOR, examined

S = SignatureStatus


def contents(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    (old,) = re.findall(rb"/Contents <([0-9a-fA-F]+)>", data)
    new = change(old)
    assert len(new) == len(old)
    return data.replace(old, new)


@pytest.mark.parametrize(
    "change",
    [
        lambda old: b"00" * (len(old) // 2),
        lambda old: b"41" * (len(old) // 2),
        lambda old: b"3084ffffffff" + old[12:],
        lambda old: old[: len(old) // 8] + b"0" * (len(old) - len(old) // 8),
    ],
    ids=["zeros", "letters", "length beyond", "cut off"],
)
def test_garbage_for_a_signature(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    result = judge(tmp_path, contents(signed(), change))
    (found,) = result.signatures
    assert found.status is S.UNREADABLE
    assert found.reason
    assert result.properties["signatures_unreadable"] == 1


def with_range(data: bytes, numbers: str) -> bytes:
    """Return the file with another byte range of the same length."""
    (old,) = re.findall(rb"/ByteRange \[[^\]]*\]", data)
    new = f"/ByteRange [{numbers}".encode().ljust(len(old) - 1) + b"]"
    assert len(new) == len(old)
    return data.replace(old, new)


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ("0 10 20 99999999", S.ALTERED),
        ("0 -1 20 30", S.UNREADABLE),
        ("-5 10 20 30", S.UNREADABLE),
        ("0 10 20", S.UNREADABLE),
        ("", S.UNREADABLE),
        ("0 (a) 20 30", S.UNREADABLE),
        ("0 10 20 30", S.ALTERED),
        ("0 0 0 0", S.ALTERED),
    ],
)
def test_a_byte_range_that_lies(tmp_path: Path, numbers: str, status: SignatureStatus) -> None:
    found = one(tmp_path, with_range(signed(), numbers))
    assert (found.status, bool(found.reason)) == (status, True)


def wrapped(data: bytes) -> bytes:
    """Return a file whose signed bytes are all there, around content that nobody signed.

    Signature wrapping: the second signed part is moved to the end; a new value with a byte
    range that points there stands in the gap, with whatever else the attacker likes.
    """
    (span,) = re.findall(rb"/ByteRange \[([^\]]*)\]", data)
    _, before, start, length = (int(number) for number in span.split())
    (held,) = re.findall(rb"/Contents <([0-9a-fA-F]+)>", data)
    head = data[:start]
    (root,) = set(re.findall(rb"/Root (\d+) 0 R", data))
    places = {int(one[1]): one.start() for one in re.finditer(rb"(\d+) 0 obj", data)}
    number = max(key for key, place in places.items() if place < before)
    value = (
        b"\n%d 0 obj\n<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached"
        b" /ByteRange [0 %d @@@@@@@@@@ %d] /Contents <%s>>>\nendobj\n"
    ) % (number, before, length, held)
    later = len(head + value)
    lines = []
    size = max(places) + 1
    moved = later + 20 * size + 200
    for key in range(1, size):
        place = places.get(key, 0)
        place = len(head) + 1 if key == number else place
        lines.append(b"%010d 00000 n \n" % (place if place <= later else place + moved - start))
    table = b"xref\n1 %d\n%strailer\n<</Root %s 0 R /Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        size - 1, b"".join(lines), root, size, later,
    )  # fmt: skip
    gap = (value + table).replace(b"@@@@@@@@@@", b"%10d" % moved)
    rest = data[start : start + length]
    whole = (head + gap).ljust(moved, b" ") + rest
    # Readers take the table that the last startxref names.
    return whole + b"\nstartxref\n%d\n%%%%EOF\n" % later


def test_room_for_swapped_content_is_found(tmp_path: Path) -> None:
    found = one(tmp_path, wrapped(signed()))
    # All that was signed is still there and fits; it is just not what is shown.
    assert (found.intact, found.holds) == (True, True)
    assert (found.status, found.coverage) == (S.PARTIAL, SignatureCoverage.UNCLEAR)


@pytest.mark.parametrize("subfilter", ["adbe.x509.rsa_sha1", "adbe.okaenda.typen"])
def test_an_encoding_that_pyhanko_does_not_verify(tmp_path: Path, subfilter: str) -> None:
    data = signed().replace(b"/SubFilter /adbe.pkcs7.detached", f"/SubFilter /{subfilter}".encode())
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    (found,) = VALIDATOR.validate(path).signatures
    assert (found.status, found.subfilter) == (S.UNREADABLE, subfilter)
    assert subfilter in found.reason


def test_fields_within_fields(tmp_path: Path) -> None:
    """The type stands at the parent alone; a kid that names its parent ends nothing."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as document:
        value = document.make_indirect(Dictionary(Type=Name.Sig, Contents=String("x")))
        kid = document.make_indirect(Dictionary(T=String("underskrift"), V=value))
        empty = document.make_indirect(Dictionary(T=String("tomt")))
        parent = document.make_indirect(
            Dictionary(FT=Name.Sig, T=String("beslut"), Kids=Array([kid, empty]))
        )
        kid.Parent = parent
        empty.Kids = Array([parent])
        document.Root.AcroForm = Dictionary(Fields=Array([parent]))
        document.save(buffer)
    result = judge(tmp_path, buffer.getvalue())
    assert [one.field for one in result.signatures] == ["beslut.underskrift"]
    (again,) = [one for one in validate(tmp_path / "a.pdf", "fmt/276") if one.validator == "pdf"]
    assert (again.properties["signatures"], again.follow_up) == (1, ("pdf_signatures",))


def test_a_field_and_its_widget_are_one_signature(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as document:
        value = document.make_indirect(Dictionary(Type=Name.Sig, Contents=String("x")))
        widget = document.make_indirect(Dictionary(FT=Name.Sig, V=value, Subtype=Name.Widget))
        field = document.make_indirect(
            Dictionary(FT=Name.Sig, T=String("a"), V=value, Kids=Array([widget]))
        )
        inside = Dictionary(Type=Name.Sig, SubFilter=Name("/ETSI.CAdES.detached"))
        direct = Dictionary(FT=Name.Sig, T=String("b"), V=inside)
        document.Root.AcroForm = Dictionary(Fields=Array([field, direct]))
        document.save(buffer)
    result = judge(tmp_path, buffer.getvalue())
    assert [one.field for one in result.signatures] == ["a", "b"]
    assert "no object of its own" in result.signatures[1].reason


def test_no_bar_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(contents(signed(), lambda old: b"41" * (len(old) // 2)))
    results = validate(path, "fmt/276")
    assert [one.validator for one in results] == ["pdf", "pdf_signatures"]
    assert obstacle(results) is None
    assert summary(results) is Verdict.VALID
    known = facts(results)
    assert (known["signatures"], known["signatures_unreadable"]) == (1, 1)


def test_what_the_child_dies_of_is_told_and_bars_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trust list that vanished after the start ends the child's call, not the file."""
    monkeypatch.setenv("SKANEARKIV_SIGNATURE_TRUST", json.dumps([str(tmp_path / "gone")]))
    isolate.close_all()
    found = one(tmp_path, signed())
    assert found.status is S.UNREADABLE
    assert "gone" in found.reason
    isolate.close_all()


def test_without_time_later_changes_are_not_taken_for_permitted(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(sign(signed(), "Justering"))
    first, second = examined(path, -1.0).signatures
    assert (first.status, first.changes) == (S.CHANGED_AFTER, "")
    assert "no time" in first.reason
    assert second.status is S.INTACT_UNTRUSTED


def test_what_is_no_pdf(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    for data, outcome in ((b"", Outcome.EMPTY), (b"<html>", Outcome.DAMAGED)):
        path.write_bytes(data)
        result = VALIDATOR.validate(path)
        assert (result.verdict, result.outcome) == (Verdict.INVALID, outcome)
        assert result.messages
