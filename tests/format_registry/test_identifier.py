# SPDX-License-Identifier: AGPL-3.0-or-later
"""Identification on real files and on names that tools cannot take."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from format_registry import policy as policies
from format_registry.identifier import identify
from format_registry.looks import SIEGFRIED_LIMIT
from pipeline.config.settings import Settings
from pipeline.core.records import Agreement, Basis, Outcome
from pipeline.steps.jobs import Context, SurveyJob
from pipeline.steps.survey import survey
from tests.contract.samples import pdf


def test_real_files_get_the_puid_that_the_manifest_expects(
    corpus: Path, manifest: list[dict[str, str]]
) -> None:
    wrong = []
    for row in manifest[::4]:
        found = identify(corpus / row["path"])
        expected = row["siegfried_puid_v125"]
        named = {found.puid or "UNKNOWN", *found.candidates}
        # FIDO may know what Siegfried does not; it must not overrule what it does.
        if expected not in named and expected != "UNKNOWN":
            wrong.append((row["path"], expected, found.puid))
    assert wrong == []


def test_a_huge_file_is_identified_by_its_head_and_tail(tmp_path: Path) -> None:
    path = tmp_path / "huge.pdf"
    path.write_bytes(b"%PDF-1.4\n")
    with path.open("r+b") as stream:
        stream.truncate(SIEGFRIED_LIMIT + 4096)
        stream.seek(0, os.SEEK_END)
        stream.write(b"\n%%EOF\n")
    found = identify(path)
    assert (found.puid, found.basis) == ("fmt/18", Basis.SIGNATURE)
    # Siegfried is shown the ends only, through a descriptor of its own process.
    assert [one.engine for one in found.opinions] == ["Siegfried", "FIDO"]
    assert all("fmt/18" in one.puids for one in found.opinions)


def test_an_extension_that_many_formats_share_names_none(tmp_path: Path) -> None:
    path = tmp_path / "random.pdf"
    path.write_bytes(os.urandom(5000))
    found = identify(path)
    assert found.puid is None
    assert len(found.candidates) > 5


def test_signature_versions_are_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0" * 17 + b"IEND\xaeB`\x82")
    opinion = identify(path).opinions[0]
    assert "DROID_SignatureFile_V" in opinion.signatures
    assert "container-signature" in opinion.signatures


def test_any_name_can_be_surveyed(tmp_path: Path) -> None:
    context = Context(
        tmp_path, tmp_path, policies.load(policies.default_path()), Settings(sha512=True)
    )
    text = b"%PDF-1.4\n%%EOF\n"
    for name in (b"plain.pdf", "åäö.pdf".encode(), b"latin\xe5.pdf", b"new\nline.pdf", b" .pdf"):
        (Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))).write_bytes(text)
        found = survey(SurveyJob(1, name, len(text), 0), context)
        assert found.identification is not None, name
        assert found.identification.puid == "fmt/18", name
        assert found.digest is not None
        assert len(found.digest.sha512) == 128


def test_what_is_not_there_is_an_outcome(tmp_path: Path) -> None:
    context = Context(tmp_path, tmp_path, policies.load(policies.default_path()), Settings())
    gone = survey(SurveyJob(1, b"gone", 1, 0), context)
    assert gone.failure is not None
    assert gone.failure.outcome is Outcome.VANISHED
    (tmp_path / "empty.docx").touch()
    empty = survey(SurveyJob(2, b"empty.docx", 0, 0), context)
    assert empty.failure is not None
    assert empty.failure.outcome is Outcome.EMPTY


def test_a_truncated_file_is_told_what_it_most_likely_was(tmp_path: Path) -> None:
    whole = pdf()
    path = tmp_path / "cut.qqq"
    path.write_bytes(whole[: len(whole) // 2] + bytes(range(256)))
    found = identify(path)
    assert (found.puid, found.agreement) == (None, Agreement.WEAK)
    assert found.clues is not None
    assert found.clues.mime == "application/pdf"
    assert (found.clues.nearest[0].puid, found.clues.nearest[0].why) == ("fmt/276", "signature")
    assert found.clues.first == whole[:16]


def test_an_engine_that_fails_leaves_the_other_to_answer(tmp_path: Path) -> None:
    """A part that unpacks to 200 MB is more than Siegfried is given."""
    path = tmp_path / "large.odt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        with archive.open("META-INF/manifest.xml", "w", force_zip64=True) as part:
            for _ in range(200):
                part.write(b" " * 1_000_000)
    found = identify(path)
    assert found.engine == "FIDO"
    assert found.puid is not None
    assert "would unpack" in found.opinions[0].note
    assert found.opinions[0].engine == "Siegfried"
