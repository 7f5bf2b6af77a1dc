# SPDX-License-Identifier: AGPL-3.0-or-later
"""Signatures of every condition: found, verified offline, told, and never a bar."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter

from pipeline.core import isolate
from pipeline.core.records import Severity, Verdict
from pipeline.core.signed import (
    SignatureCoverage,
    SignatureStatus,
    SignatureTime,
    SignatureTrust,
)
from pipeline.demo.signing import signed as demo_signed
from pipeline.steps.validate import facts, validate
from tests.contract.samples import pdf, pdfa_2b
from tests.validators import signing
from tests.validators.signing import (
    NOW,
    authority,
    clerk,
    judge,
    one,
    sign,
    signed,
    stamp,
    trust,
    updated,
)

S = SignatureStatus


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust our own authority, in the child too."""
    listed = [str(trust(tmp_path / "trust", authority()))]
    monkeypatch.setenv("SKANEARKIV_SIGNATURE_TRUST", json.dumps(listed))
    isolate.close_all()
    yield
    isolate.close_all()


@pytest.mark.usefixtures("trusting")
class TestWithATrustList:
    @pytest.mark.parametrize(
        "subfilter", [SigSeedSubFilter.ADOBE_PKCS7_DETACHED, SigSeedSubFilter.PADES]
    )
    def test_valid(self, tmp_path: Path, subfilter: SigSeedSubFilter) -> None:
        result = judge(tmp_path, sign(pdf(), subfilter=subfilter))
        (found,) = result.signatures
        assert (found.status, found.reason) == (S.VALID, "")
        assert (found.field, found.kind) == ("Underskrift", "signature")
        assert found.signer == "C=SE, O=Ängelholms kommun, CN=Åsa Öst"
        assert found.issuer == "C=SE, O=Ängelholms kommun, CN=Ängelholms rot"
        assert found.serial == f"{clerk().certificate.serial_number:x}"
        assert (found.intact, found.holds, found.trust) == (True, True, SignatureTrust.TRUSTED)
        assert (found.coverage, found.changes) == (SignatureCoverage.FILE, "none")
        assert (found.digest_algorithm, found.algorithm) == ("sha256", "sha256_ecdsa")
        assert found.time_source is SignatureTime.CLAIMED
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.time)
        assert result.verdict is Verdict.VALID
        assert [m.severity for m in result.messages] == [Severity.INFO]
        assert result.properties["signatures_valid"] == 1
        assert str(result.properties["signatures_trust_list"]).startswith("1 certificates, SHA-256")

    def test_a_stranger_is_not_trusted(self, tmp_path: Path) -> None:
        found = one(tmp_path, sign(pdf(), by=signing.party("Någon Annan")))
        assert (found.status, found.trust) == (S.INTACT_UNTRUSTED, SignatureTrust.UNTRUSTED)
        assert found.reason

    def test_a_timestamp_proves_the_time(self, tmp_path: Path) -> None:
        when = NOW - timedelta(days=400)
        found = one(tmp_path, sign(pdf(), by=signing.expired(), stamped=signing.stamper(when)))
        # The certificate has expired since, but it had not when the stamp was given.
        assert (found.status, found.time_source) == (S.VALID, SignatureTime.TRUSTED)
        assert found.time == when.strftime("%Y-%m-%dT%H:%M:%SZ")

    def test_a_stamp_after_expiry_does_not_help(self, tmp_path: Path) -> None:
        when = NOW - timedelta(days=100)
        found = one(tmp_path, sign(pdf(), by=signing.expired(), stamped=signing.stamper(when)))
        # Signed by the clock of this machine, which is after the certificate's end.
        assert (found.status, found.trust) == (S.INTACT_UNTRUSTED, SignatureTrust.UNTRUSTED)

    def test_expired_and_nothing_proves_the_time(self, tmp_path: Path) -> None:
        when = NOW - timedelta(days=400)
        found = one(tmp_path, sign(pdf(), by=signing.expired(), claimed=when))
        assert (found.status, found.trust) == (S.INTACT_EXPIRED, SignatureTrust.EXPIRED)
        assert found.time == when.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert found.time_source is SignatureTime.CLAIMED

    def test_a_document_timestamp(self, tmp_path: Path) -> None:
        found = one(tmp_path, stamp(pdf(), NOW - timedelta(days=10)))
        assert (found.kind, found.status) == ("timestamp", S.VALID)
        assert (found.subfilter, found.time_source) == ("ETSI.RFC3161", SignatureTime.TRUSTED)
        assert "Tidsstämplaren" in found.signer

    def test_a_document_timestamp_proves_what_is_older(self, tmp_path: Path) -> None:
        data = stamp(sign(pdf(), by=signing.expired()), NOW - timedelta(days=400))
        first, second = judge(tmp_path, data).signatures
        assert (first.status, second.status) == (S.VALID, S.VALID)
        assert (first.coverage, first.changes) == (SignatureCoverage.REVISION, "lta_updates")

    def test_two_signatures(self, tmp_path: Path) -> None:
        result = judge(tmp_path, sign(signed(), "Justering", by=signing.party("Justerare")))
        first, second = result.signatures
        assert (first.status, second.status) == (S.VALID, S.INTACT_UNTRUSTED)
        assert (first.coverage, first.changes) == (SignatureCoverage.REVISION, "form_filling")
        assert second.coverage is SignatureCoverage.FILE
        counts = {key: result.properties[f"signatures_{key}"] for key in ("valid", "intact")}
        assert counts == {"valid": 1, "intact": 2}

    def test_revoked(self, tmp_path: Path) -> None:
        """The file carries the list; a trusted timestamp from before it clears the signer."""
        thief = signing.party("Stulen Nyckel", authority())
        since = NOW - timedelta(days=20)
        listed = signing.revoking(thief, since)
        found = one(tmp_path, signing.with_list(sign(pdf(), by=thief), listed))
        assert (found.status, found.trust) == (S.INTACT_UNTRUSTED, SignatureTrust.REVOKED)
        assert since.strftime("%Y-%m-%d") in found.reason
        early = sign(pdf(), by=thief, stamped=signing.stamper(NOW - timedelta(days=40)))
        assert one(tmp_path, signing.with_list(early, listed)).status is S.VALID
        # A list that does not name the signer, and one of a stranger, change nothing.
        assert one(tmp_path, signing.with_list(signed(), listed)).status is S.VALID
        other = signing.revoking(clerk(), since, signing.party("Någon", kind="ca"))
        assert one(tmp_path, signing.with_list(signed(), other)).status is S.VALID
        late = sign(pdf(), by=thief, stamped=signing.stamper(NOW - timedelta(days=10)))
        assert one(tmp_path, signing.with_list(late, listed)).status is S.INTACT_UNTRUSTED

    def test_the_old_way_with_sha1(self, tmp_path: Path) -> None:
        data = signing.sha1_signed()
        found = one(tmp_path, data)
        assert (found.status, found.subfilter) == (S.VALID, "adbe.pkcs7.sha1")
        place = data.index(b"/MediaBox")
        data = data[:place] + data[place:].replace(b"0 595", b"0 596", 1)
        found = one(tmp_path, data)
        assert (found.status, found.intact, found.holds) == (S.ALTERED, False, True)

    def test_certified(self, tmp_path: Path) -> None:
        found = one(tmp_path, sign(pdf(), certify=MDPPerm.NO_CHANGES))
        assert (found.status, found.certification) == (S.VALID, "no_changes")

    def test_encrypted_for_nobody(self, tmp_path: Path) -> None:
        buffer = io.BytesIO()
        with pikepdf.open(io.BytesIO(pdf())) as document:
            document.save(buffer, encryption=pikepdf.Encryption(user="", owner="hemlig"))
        found = one(tmp_path, sign(buffer.getvalue(), password=""))
        assert found.status is S.VALID

    def test_a_valid_pdfa_that_is_signed_stays_as_it_is(self, tmp_path: Path) -> None:
        from format_registry.policy import decide, default_path, load

        path = tmp_path / "a.pdf"
        path.write_bytes(sign(pdfa_2b(), subfilter=SigSeedSubFilter.PADES))
        results = validate(path, "fmt/477")
        known = facts(results)
        assert (known["pdfa_valid"], known["signatures_valid"]) == (True, 1)
        decision = decide(load(default_path()), "fmt/477", known)
        assert (decision.rule, decision.action.value) == ("pdfa-keep", "keep")
        assert decision.keep_original


def test_without_a_trust_list(tmp_path: Path) -> None:
    result = judge(tmp_path, signed())
    (found,) = result.signatures
    assert (found.status, found.trust) == (S.INTACT_UNTRUSTED, SignatureTrust.NO_LIST)
    assert result.properties["signatures_trust_list"] == "none"
    assert result.verdict is Verdict.VALID
    assert [m.severity for m in result.messages] == [Severity.WARNING]


def test_a_signature_without_attributes(tmp_path: Path) -> None:
    found = one(tmp_path, demo_signed(pdf()))
    assert (found.status, found.time) == (S.INTACT_UNTRUSTED, "2024-03-14T09:30:00Z")


def test_altered(tmp_path: Path) -> None:
    data = signed()
    place = data.index(b"/MediaBox")
    data = data[:place] + data[place:].replace(b"0 0 595", b"0 0 596", 1)
    result = judge(tmp_path, data)
    (found,) = result.signatures
    assert (found.status, found.intact, found.holds) == (S.ALTERED, False, True)
    assert result.verdict is Verdict.UNDECIDED
    assert result.properties["signatures_altered"] == 1


def test_a_signature_of_another_key(tmp_path: Path) -> None:
    data = signed()
    (span,) = re.findall(rb"/Contents <([0-9a-fA-F]+)>", data)
    raw = bytearray(bytes.fromhex(span.decode()))
    end = len(bytes(raw).rstrip(b"\0"))
    raw[end - 5] ^= 1
    found = one(tmp_path, data.replace(span, raw.hex().encode()))
    assert (found.status, found.intact, found.holds) == (S.ALTERED, True, False)


def test_a_form_filled_in_after_signing_is_permitted(tmp_path: Path) -> None:
    def fill(writer: IncrementalPdfFileWriter) -> None:
        for ref in writer.root["/AcroForm"].raw_get("/Fields").get_object():
            field = ref.get_object()
            if field.get("/T") == "namn":
                field["/V"] = generic.TextStringObject("Åsa")
                writer.update_container(field)

    found = one(tmp_path, updated(sign(with_text_field()), fill))
    assert (found.status, found.changes) == (S.INTACT_UNTRUSTED, "form_filling")
    assert found.coverage is SignatureCoverage.REVISION
    certified = sign(with_text_field(), certify=MDPPerm.NO_CHANGES)
    found = one(tmp_path, updated(certified, fill))
    assert (found.status, found.changes) == (S.CHANGED_AFTER, "form_filling")


def with_text_field() -> bytes:
    """Return a PDF with a text field."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as document:
        field = document.make_indirect(
            Dictionary(
                Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("namn"), Ff=0, F=4,
                Rect=Array([10, 10, 100, 30]), P=document.pages[0].obj, DA=String("/Helv 0 Tf"),
            )
        )  # fmt: skip
        document.pages[0].obj.Annots = Array([field])
        document.Root.AcroForm = document.make_indirect(
            Dictionary(Fields=document.make_indirect(Array([field])))
        )
        document.save(buffer)
    return buffer.getvalue()


def test_another_page_after_signing_is_not_permitted(tmp_path: Path) -> None:
    def swap(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0]
        stream = generic.StreamObject(stream_data=b"BT ET")
        page["/Contents"] = writer.add_object(stream)
        writer.update_container(page)

    result = judge(tmp_path, updated(signed(), swap))
    (found,) = result.signatures
    assert (found.status, found.changes) == (S.CHANGED_AFTER, "other")
    assert (found.intact, found.holds, found.coverage) == (True, True, SignatureCoverage.REVISION)
    assert found.reason
    assert result.verdict is Verdict.UNDECIDED


def test_an_empty_field_is_no_signature(tmp_path: Path) -> None:
    def add(writer: IncrementalPdfFileWriter) -> None:
        fields.append_signature_field(writer, fields.SigFieldSpec("tomt"))

    assert judge(tmp_path, updated(pdf(), add)).signatures == ()
    path = tmp_path / "a.pdf"
    assert facts(validate(path, "fmt/276"))["signatures"] == 0
    found = one(tmp_path, sign(updated(pdf(), add)))
    assert found.field == "Underskrift"


def test_what_is_added_behind_the_end_changes_nothing(tmp_path: Path) -> None:
    found = one(tmp_path, signed() + b"\r\n")
    assert (found.status, found.coverage) == (S.INTACT_UNTRUSTED, SignatureCoverage.REVISION)
