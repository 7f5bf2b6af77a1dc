# SPDX-License-Identifier: AGPL-3.0-or-later
"""The policy decides as it says, and a mistake in it never reaches a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from format_registry import policy as policies
from pipeline.core.errors import ConfigError
from pipeline.core.records import Action
from pipeline.steps.preflight import check_names

GOOD = """
[policy]
name = "test"
version = "1"
date = 2026-01-01
basis = "test"

[targets.tiff]
extension = "tif"
puids = ["fmt/353"]
validator = "tiff"

[[rules]]
id = "bmp"
puids = ["fmt/116"]
action = "migrate"
migrator = "image_to_tiff"
target = "tiff"
judge = "image"
reason = "r"
basis = "b"
source = "s"
date = 2026-01-01
"""


def load(tmp_path: Path, text: str) -> policies.Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return policies.load(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('reason = "r"', 'raeson = "r"', "did you mean 'reason'"),
        ('"fmt/116"', '"fmt/0116"', "is not a PUID"),
        ('"fmt/116"', "", "no PUIDs"),
        ('action = "migrate"', 'action = "convert"', "is none of"),
        ('target = "tiff"', 'target = "tif"', "is not defined"),
        ('judge = "image"\n', "", "needs a migrator and a judge"),
        ('date = 2026-01-01\nbasis = "test"', 'basis = "test"', "'date' is missing"),
        ("[policy]", "[polcy]", "unknown table"),
        ('name = "test"', "name = 5", "text is expected"),
        ('id = "bmp"', 'id = "bmp', "policy.toml"),
    ],
)
def test_a_mistake_is_refused_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, GOOD.replace(old, new, 1))


def test_a_rule_never_reached_is_refused(tmp_path: Path) -> None:
    rule = GOOD[GOOD.index("[[rules]]") :]
    with pytest.raises(ConfigError, match="never reached"):
        load(tmp_path, GOOD + rule.replace('id = "bmp"', 'id = "again"'))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('migrator = "image_to_tiff"', 'migrator = "magic"', "no migrator 'magic'"),
        ('judge = "image"', 'judge = "nobody"', "no fidelity judge"),
        ('"fmt/116"', '"fmt/40"', "does not read fmt/40"),
        ('validator = "tiff"', 'validator = "x"', "no validator"),
        ('puids = ["fmt/353"]', 'puids = ["fmt/477"]', "does not make"),
    ],
)
def test_what_cannot_be_done_is_refused_before_a_run(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    check_names(load(tmp_path, GOOD))
    with pytest.raises(ConfigError, match=said):
        check_names(load(tmp_path, GOOD.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("puid", "facts", "action", "target"),
    [
        ("fmt/354", {"pdfa_valid": True}, Action.KEEP, ""),
        ("fmt/354", {"pdfa_valid": False}, Action.MIGRATE, "pdfa-2b"),
        ("fmt/18", {"has_attachments": True}, Action.MIGRATE, "pdfa-3b"),
        ("fmt/18", {}, Action.MIGRATE, "pdfa-2b"),
        ("fmt/40", {}, Action.MIGRATE, "pdfa-2b"),
        ("fmt/412", {}, Action.MIGRATE, "pdfa-2b"),
        ("fmt/116", {}, Action.MIGRATE, "tiff"),
        ("x-fmt/392", {}, Action.MIGRATE, "tiff"),
        ("fmt/353", {}, Action.KEEP, ""),
        ("fmt/43", {}, Action.KEEP, ""),
        ("fmt/11", {}, Action.KEEP, ""),
        ("fmt/101", {}, Action.KEEP, ""),
        ("x-fmt/111", {"utf8": True}, Action.KEEP, ""),
        ("x-fmt/111", {"utf8": False}, Action.REVIEW, ""),
        ("fmt/9999", {}, Action.REVIEW, ""),
    ],
)
def test_our_own_policy(puid: str, facts: dict[str, bool], action: Action, target: str) -> None:
    policy = policies.load(policies.default_path())
    check_names(policy)
    decision = policies.decide(policy, puid, facts)
    assert (decision.action, decision.target) == (action, target)


def test_every_rule_says_on_what_it_rests() -> None:
    for rule in policies.load(policies.default_path()).rules:
        assert rule.basis
        assert rule.source
        assert rule.reason


def test_the_original_of_a_signed_file_is_kept_whatever_the_rule_says(tmp_path: Path) -> None:
    text = GOOD.replace('judge = "image"', 'judge = "image"\nkeep_original = false')
    policy = load(tmp_path, text)
    kept = {
        number: policies.decide(policy, "fmt/116", {"signatures": number}).keep_original
        for number in (0, 1, 7)
    }
    assert kept == {0: False, 1: True, 7: True}
    assert not policies.decide(policy, "fmt/116", {}).keep_original
    assert policies.decide(policy, "fmt/999", {"signatures": 1}).keep_original
