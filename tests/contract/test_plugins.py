# SPDX-License-Identifier: AGPL-3.0-or-later
"""What holds for every validator, migrator and fidelity judge that pkgutil finds."""

from __future__ import annotations

import hashlib
import pickle
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from format_registry import identifier
from format_registry import policy as policies
from format_registry.policy import Rule, Target
from migrators.base import Migrator, Options
from migrators.catalogue import migrators
from pipeline.core.errors import FileError
from pipeline.core.records import Action, MigrationNote, Outcome, Verdict
from pipeline.steps.validate import obstacle, validate
from pipeline.steps.verify import judges, verify
from tests.contract.samples import SOURCES, VALID, Sample
from validators.base import Validator
from validators.catalogue import validators
from validators.fidelity.base import Judge

# Validators of no format: another asks for them by name.
FOLLOW_UPS = {"pdf_signatures"}
PUID = re.compile(r"(x-)?fmt/[1-9][0-9]*")
NAME = re.compile(r"[a-z][a-z0-9_]*")
PLUGINS: dict[str, Validator | Migrator | Judge] = {
    **{f"validator {name}": one for name, one in validators().items()},
    **{f"migrator {name}": one for name, one in migrators().items()},
    **{f"judge {name}": one for name, one in judges().items()},
}


def sample(samples: Mapping[str, Callable[[], Sample]], table: str, name: str) -> Sample:
    if name not in samples:
        pytest.fail(f"{name} has no sample: add one to {table} in tests/contract/samples.py")
    return samples[name]()


def spoilt(whole: Sample) -> dict[str, bytes]:
    return {
        "empty": b"",
        "half": whole.data[: len(whole.data) // 2],
        "random": random.Random(7).randbytes(len(whole.data)),
    }


def written(folder: Path, extension: str, data: bytes) -> Path:
    """Return a file in a folder of its own, so that what is put beside it is seen."""
    folder.mkdir()
    path = folder / f"source.{extension}"
    path.write_bytes(data)
    return path


def state(path: Path) -> tuple[object, ...]:
    status = path.stat()
    names = sorted(entry.name for entry in path.parent.iterdir())
    return path.read_bytes(), status.st_mtime_ns, status.st_mode, names


def rule_of(name: str, puid: str) -> tuple[Rule, Target]:
    """Return what our own policy, or that of sites that keep data, wants of the migrator."""
    for path in (policies.default_path(), *sorted(Path(__file__).parent.glob("*.toml"))):
        policy = policies.load(path)
        for rule in policy.rules:
            if rule.action is Action.MIGRATE and rule.migrator == name and puid in rule.puids:
                return rule, policy.targets[rule.target]
    pytest.fail(f"no rule of the policy has {name} migrate {puid}; name it in policies/*.toml")


@pytest.mark.parametrize("name", sorted(PLUGINS))
def test_is_picklable_and_named(name: str) -> None:
    plugin = PLUGINS[name]
    again = pickle.loads(pickle.dumps(plugin))
    assert (type(again), again.name) == (type(plugin), plugin.name)
    assert NAME.fullmatch(plugin.name)


@pytest.mark.parametrize("name", sorted({**validators(), **migrators()}))
def test_agents_state_their_versions(name: str) -> None:
    agents = {**validators(), **migrators()}[name].agents()
    assert agents
    assert all(one.name and re.search(r"\d", one.version) for one in agents), agents


@pytest.mark.parametrize("name", sorted(validators()))
def test_a_validators_formats_are_puids(name: str) -> None:
    puids = validators()[name].puids
    assert isinstance(puids, frozenset)
    assert puids or name in FOLLOW_UPS, "nobody would ever ask it"
    assert [puid for puid in puids if not PUID.fullmatch(puid)] == []


@pytest.mark.parametrize("name", sorted(migrators()))
def test_a_migrators_formats_are_puids(name: str) -> None:
    migrator = migrators()[name]
    for puids in (migrator.sources, migrator.target_puids):
        assert isinstance(puids, frozenset)
        assert puids
        assert [puid for puid in puids if not PUID.fullmatch(puid)] == []


@pytest.mark.parametrize("name", sorted(validators()))
def test_a_validator_calls_a_valid_file_valid_and_leaves_it_alone(
    name: str, tmp_path: Path
) -> None:
    one = sample(VALID, "VALID", name)
    path = written(tmp_path / "in", one.extension, one.data)
    before = state(path)
    result = validators()[name].validate(path)
    assert (result.verdict, result.outcome) == (Verdict.VALID, Outcome.OK), result.messages
    assert result.validator == name
    assert result.agents
    assert state(path) == before


@pytest.mark.parametrize("kind", ["empty", "half", "random"])
@pytest.mark.parametrize("name", sorted(validators()))
def test_a_validator_calls_nothing_spoilt_valid(name: str, kind: str, tmp_path: Path) -> None:
    one = sample(VALID, "VALID", name)
    path = written(tmp_path / "in", one.extension, spoilt(one)[kind])
    before = state(path)
    try:
        result = validators()[name].validate(path)
    except FileError as error:
        pytest.fail(f"a {kind} file is a result, not {type(error).__name__}: {error}")
    assert result.verdict is Verdict.INVALID
    assert result.outcome is (Outcome.EMPTY if kind == "empty" else result.outcome)
    assert not result.outcome.good
    assert result.messages, "nobody would know why"
    assert state(path) == before


def migrate(name: str, one: Sample, source: Path, target: Path, work: Path) -> MigrationNote:
    rule, goal = rule_of(name, one.puid)
    work.mkdir()
    options = Options(
        puid=one.puid,
        target=rule.target,
        workdir=work,
        judge=validators()[goal.validator].validate,
        settings=rule.settings,
        facts=one.facts,
    )
    return migrators()[name].migrate(source, target, options)


@pytest.mark.parametrize("name", sorted(migrators()))
def test_a_migrators_output_is_proven_and_repeatable(name: str, tmp_path: Path) -> None:
    one = sample(SOURCES, "SOURCES", name)
    rule, goal = rule_of(name, one.puid)
    source = written(tmp_path / "in", one.extension, one.data)
    before = state(source)
    assert identifier.identify(source).puid == one.puid, "the sample is of another format"
    digests = set()
    for number in range(2):
        out = tmp_path / f"out-{number}"
        out.mkdir()
        target, work = out / f"target.{goal.extension}", tmp_path / f"work-{number}"
        note = migrate(name, one, source, target, work)
        assert note.method
        assert note.agents
        assert [entry.name for entry in out.iterdir()] == [target.name]
        digests.add(hashlib.sha256(target.read_bytes()).hexdigest())
    assert len(digests) == 1, "two runs gave different bytes"
    assert state(source) == before
    proof = verify(source, target, one.puid, rule, goal, {**one.facts, "workdir": str(work)})
    assert proof.identification.puid in migrators()[name].target_puids & goal.puids
    assert proof.validation.verdict is Verdict.VALID
    assert [check for check in proof.checks if not check.passed] == []
    assert len(proof.checks) > 2, "the judge compared nothing"


@pytest.mark.parametrize("kind", ["empty", "random"])
@pytest.mark.parametrize("name", sorted(migrators()))
def test_a_migrator_makes_nothing_of_a_spoilt_file(name: str, kind: str, tmp_path: Path) -> None:
    one = sample(SOURCES, "SOURCES", name)
    source = written(tmp_path / "in", one.extension, spoilt(one)[kind])
    before = state(source)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(FileError) as caught:
        migrate(name, one, source, out / "target", tmp_path / "work")
    assert caught.value.detail
    assert list(out.iterdir()) == []
    assert state(source) == before


@pytest.mark.parametrize("name", sorted(migrators()))
def test_half_a_file_never_comes_as_far_as_its_migrator(name: str, tmp_path: Path) -> None:
    """Of half a PDF a library can make a whole one with half of the pages: so it is barred."""
    one = sample(SOURCES, "SOURCES", name)
    source = written(tmp_path / "in", one.extension, spoilt(one)["half"])
    before = state(source)
    barred = obstacle(validate(source, one.puid))
    assert barred is not None
    assert barred.outcome is Outcome.DAMAGED
    target = tmp_path / "target"
    try:
        migrate(name, one, source, target, tmp_path / "work")
    except FileError:
        assert not target.exists()
    assert state(source) == before
