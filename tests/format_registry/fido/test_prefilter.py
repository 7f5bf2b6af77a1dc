# SPDX-License-Identifier: AGPL-3.0-or-later
"""The prefilter loses nothing: with it and without it, the same signatures match."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from format_registry.fido import prefilter
from format_registry.fido.engine import Engine
from format_registry.fido.literals import literals
from format_registry.fido.model import Pattern, Place, Signature, SignatureSet, Step
from format_registry.fido.windows import NEAR, Windows
from tests.format_registry.fido.matching import expressions

MUTANTS = 1000


def differing(engine: Engine, several: Iterator[tuple[str, bytes]]) -> list[str]:
    found = []
    for name, data in several:
        if engine.signatures(Windows.of(data)) != engine.exhaustive(Windows.of(data)):
            found.append(f"{engine.set.name}: {name}")
    return found


def read(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    return ((path.name, path.read_bytes()) for path in files)


def test_on_skeletons(both: tuple[Engine, Engine], skeleton_files: list[Path]) -> None:
    national, shipped = both
    assert differing(national, read(skeleton_files[::3])) == []
    assert differing(shipped, read(skeleton_files[2::6])) == []


def test_on_real_files(both: tuple[Engine, Engine], corpus_files: list[Path]) -> None:
    wrong, matched = [], 0
    for engine in both:
        for path in corpus_files[::10]:
            with path.open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                found = engine.signatures(Windows(stream.fileno(), size))
                matched += bool(found)
                if found != engine.exhaustive(Windows(stream.fileno(), size)):
                    wrong.append((engine.set.name, path.name))
    assert wrong == []
    assert matched > 50


def mutant(random: Random, seeds: list[bytes]) -> bytes:
    data = bytearray(random.choice(seeds))
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        kind = random.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            data[at:at] = random.randbytes(random.randint(1, 40))
        elif kind == 2:
            del data[at : at + random.randint(1, 40)]
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            data += random.choice(seeds)
        elif kind == 5:
            data[:0] = random.randbytes(random.randint(1, 600))
        else:
            data[:0] = random.choice(seeds)[:at]
    return bytes(data)


@pytest.mark.parametrize("which", [0, 1], ids=["v118", "shipped"])
def test_on_damaged_and_mixed_files(
    both: tuple[Engine, Engine], skeleton_files: list[Path], which: int
) -> None:
    random = Random(which)
    seeds = [data for _, data in read(skeleton_files) if len(data) < 20_000]
    mutants = [(str(number), mutant(random, seeds)) for number in range(MUTANTS)]
    assert differing(both[which], iter(mutants)) == []
    # Mutants that nothing matches would prove nothing.
    matched = sum(bool(both[which].signatures(Windows.of(data))) for _, data in mutants)
    assert MUTANTS // 4 < matched < MUTANTS


def test_nothing_changes_with_the_least_memory_that_re2_takes(
    national: Engine, skeleton_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefilter, "_RE2_BYTES", 512 << 10)
    poor = Engine(national.set)
    # Pieces of all literals in a row, so that RE2's automaton is thrown away again and again.
    every = (one for expression in expressions(national.set) for one in literals(expression))
    variants = sorted({variant for one in every for variant in one.variants})
    random = Random(2)
    pieces = [random.choice(variants)[: random.randint(1, 16)] for _ in range(12_000)]
    several = [b"".join(pieces), *(path.read_bytes() for path in skeleton_files[::25])]
    for data in several:
        assert poor.signatures(Windows.of(data)) == national.exhaustive(Windows.of(data))


def test_where_re2_gives_up_every_signature_is_tried(
    national: Engine, skeleton_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # RE2 says that its memory is used up by naming nothing where something was found.
    monkeypatch.setattr(prefilter._Searched, "add", lambda *_, **__: False)
    every = len(national.set.signatures)
    for path in skeleton_files[::25]:
        window = Windows.of(path.read_bytes())
        assert len(national._prefilter.candidates(window)) == every
        assert national.signatures(window) == national.exhaustive(window), path.name


def test_few_signatures_are_left_to_be_tried(
    both: tuple[Engine, Engine], skeleton_files: list[Path]
) -> None:
    for engine in both:
        for data in (
            Random(3).randbytes(400_000),
            *(data for _, data in read(skeleton_files[::9])),
        ):
            left = engine._prefilter.candidates(Windows.of(data))
            assert len(left) / len(engine.set.signatures) < 0.05


@pytest.mark.parametrize("place", [Place.BOF, Place.EOF])
@pytest.mark.parametrize("distance", [0, 5, 511, 8_190, NEAR - 8, NEAR, NEAR + 1, 400_000])
def test_a_literal_is_found_at_any_distance(tmp_path: Path, place: Place, distance: int) -> None:
    at = Step(distance, distance, b"needle") if place is Place.BOF else Step(0, None, b"needle")
    rest = (distance, distance) if place is Place.EOF else (0, None)
    one = Signature("fmt/1", "one", (Pattern(place, (at,), rest),))
    engine = Engine(SignatureSet("one", 1, (), {}, (one,), ()))
    room = b"." * 500_000
    front, back = (room[:distance], room) if place is Place.BOF else (room, room[:distance])
    path = tmp_path / "large"
    for data, expected in ((front + b"needle" + back, 1), (b"." + front + b"needle." + back, 0)):
        path.write_bytes(data)
        with path.open("rb") as stream:
            window = Windows(stream.fileno(), len(data))
            assert len(engine.signatures(window)) == expected
