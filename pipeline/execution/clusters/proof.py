# SPDX-License-Identifier: AGPL-3.0-or-later
"""What decides how a file comes out, so that two machines can be shown to be alike."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from format_registry import policy as policies
from format_registry import signatures
from format_registry.policy import Policy
from pipeline.core.errors import SkanearkivError
from pipeline.core.posix import environment
from pipeline.core.warm import package_root
from pipeline.steps.preflight import check_tools

# A machine that is set up for one policy says so by this variable, which names the file.
POLICY = "SKANEARKIV_POLICY"
_PACKAGES = ("pipeline", "format_registry", "migrators", "validators")
_MARK = ".skanearkiv-run"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found: name of a thing -> its version or SHA-256."""

    found: dict[str, str]


def collect(policy: Policy) -> Proof:
    """Return the proof of this machine, with the settings that this process has taken up."""
    found = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "program files": _program_files(),
        "policy": _policy(policy),
        "fonts": _fonts(),
    }
    found |= {f"package {name}": version for name, version in _packages()}
    try:
        names = [f"{name} {sha256}" for name, sha256 in signatures.active().sources]
        found["signatures"] = f"{signatures.active_name()} ({_sha256(names)[:12]})"
        for agent in check_tools(policy):
            found[f"tool {agent.name}"] = f"{agent.version} {agent.note}".strip()
    except SkanearkivError as error:
        found["tools"] = str(error)
    return Proof(found)


def differences(here: Proof, there: Proof) -> tuple[str, ...]:
    """Return a line for each thing that a worker has otherwise than the coordinator."""
    names = sorted(here.found.keys() | there.found.keys())
    return tuple(
        f"{name}: {_short(here.found, name)} at the coordinator, {_short(there.found, name)} there"
        for name in names
        if here.found.get(name) != there.found.get(name)
    )


def _short(found: dict[str, str], name: str) -> str:
    return found.get(name, "none")[:120]


def mark(staging: Path, token: str) -> None:
    """Leave a token where workers must find it, if they see the same folder as we do."""
    (staging / _MARK).write_text(token, encoding="ascii")


def unseen(staging: Path, token: str) -> tuple[str, ...]:
    """Return a line if this machine does not see the coordinator's folder, else nothing."""
    try:
        if (staging / _MARK).read_text(encoding="ascii") == token:
            return ()
        why = "it is another folder there"
    except OSError as error:
        why = error.strerror or str(error)
    return (f"output folder: {staging.parent} is not what the coordinator sees ({why})",)


def _program_files() -> str:
    """Return the digest of our own code and data: policies, mappings and texts among them."""
    found = hashlib.sha256()
    root = package_root()
    for package in _PACKAGES:
        for folder, folders, files in os.walk(root / package):
            folders[:] = sorted(one for one in folders if one != "__pycache__")
            for name in sorted(files):
                path = Path(folder, name)
                found.update(f"{path.relative_to(root)}\0".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _policy(policy: Policy) -> str:
    own = os.environ.get(POLICY)
    if not own:
        return policy.sha256
    try:
        return policies.load(Path(own)).sha256
    except SkanearkivError as error:
        return f"unusable: {error}"


def _packages() -> list[tuple[str, str]]:
    """Return what we depend on, by name, with the version that is installed here."""
    found = []
    for line in metadata.requires("skanearkiv") or ():
        name = re.match(r"[A-Za-z0-9._-]+", line)
        if name is None or "extra ==" in line:
            continue
        try:
            found.append((name.group(), metadata.version(name.group())))
        except metadata.PackageNotFoundError:
            found.append((name.group(), "none"))
    return found


def _fonts() -> str:
    """Return how many fonts there are and their digest: they decide how office files look."""
    try:
        listed = subprocess.run(
            ["fc-list", ":", "family", "style", "fontversion"], env=environment(),
            capture_output=True, timeout=60, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "fontconfig does not answer"
    lines = sorted(listed.stdout.decode("utf-8", "replace").splitlines())
    return f"{len(lines)} ({_sha256(lines)[:12]})"


def _sha256(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
