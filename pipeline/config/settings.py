# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a run works: limits, sizes, where tools are. What it does is the policy's."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pipeline.config import storage, tables, trust
from pipeline.config.room import Room
from pipeline.config.storage import Storage
from pipeline.config.watching import Watching
from pipeline.core import sandbox
from pipeline.core.budget import MIB
from pipeline.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one step of one file.

    Seconds of wall time grow with the file; memory in MiB of address space of each
    child. Files over `snapshot_mib` are read where they are instead of from a copy.
    """

    seconds: float = 300.0
    seconds_per_mib: float = 3.0
    memory_mib: int = 3072
    snapshot_mib: int = 2048
    max_pixels: int = 1_000_000_000

    def seconds_for(self, size: int) -> float:
        """Return the seconds that a step may take on a file of `size` bytes."""
        return self.seconds + self.seconds_per_mib * size / MIB

    @property
    def memory(self) -> int:
        """Bytes of address space per child."""
        return self.memory_mib * MIB


@dataclass(frozen=True, slots=True)
class Batches:
    """How much work goes to a worker at once; `window` is batches in flight per worker."""

    files: int = 64
    mib: int = 64
    window: int = 2


@dataclass(frozen=True, slots=True)
class SignatureTrust:
    """Whose digital signatures are trusted: files and folders of certificates (PEM, DER).

    Roots, or authorities of the EU's trusted lists that the operator exported. Without
    any, every intact signature is `intact_untrusted`.
    """

    certificates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """All of a configuration file. Tool paths: name of the tool -> program or jar.

    `engine` is siegfried, fido or both; `signatures` names FIDO's signature set (empty: the
    one that `skanearkiv signatures use` chose).
    """

    limits: Limits = field(default_factory=Limits)
    batches: Batches = field(default_factory=Batches)
    sha512: bool = False
    engine: str = "both"
    signatures: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)
    signature_trust: SignatureTrust = field(default_factory=SignatureTrust)
    sandbox: sandbox.Settings = field(default_factory=sandbox.Settings)
    storage: Storage = field(default_factory=Storage)
    room: Room = field(default_factory=Room)
    watching: Watching = field(default_factory=Watching)

    def environment(self) -> dict[str, str]:
        """Return the variables by which children learn of tools and limits."""
        values = {
            f"SKANEARKIV_{name.upper().replace('-', '_')}": str(path)
            for name, path in self.tools.items()
        }
        values["SKANEARKIV_MAX_PIXELS"] = str(self.limits.max_pixels)
        values["SKANEARKIV_ENGINE"] = self.engine
        if self.sandbox != sandbox.Settings():
            values[sandbox.VARIABLE] = json.dumps(asdict(self.sandbox))
        if self.signatures:
            values["SKANEARKIV_SIGNATURES"] = self.signatures
        if self.signature_trust.certificates:
            values["SKANEARKIV_SIGNATURE_TRUST"] = json.dumps(self.signature_trust.certificates)
        return values


def load(path: Path | None) -> Settings:
    """Return the settings of a file, or the defaults. Raises ConfigError."""
    if path is None:
        return Settings()
    table, _ = tables.read(path)
    settings = tables.build(Settings, table, str(path))
    try:
        settings.sandbox.validate()
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    storage.check(settings.storage, str(path))
    settings.watching.address()
    for name, program in settings.tools.items():
        if not os.path.exists(program):
            raise ConfigError(f"{path}: tools: {name}: {program} does not exist")
    return replace(settings, signature_trust=_trust(settings.signature_trust, path))


def _trust(asked: SignatureTrust, path: Path) -> SignatureTrust:
    """Return the trust list with absolute paths. Raises ConfigError for what is unreadable."""
    # A child may have another working folder than the command.
    absolute = tuple(os.path.abspath(one) for one in asked.certificates)
    try:
        trust.load(absolute)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return SignatureTrust(absolute)
