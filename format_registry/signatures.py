# SPDX-License-Identifier: AGPL-3.0-or-later
"""The signature sets that FIDO's engine can use: what opf-fido ships, and what is installed.

opf-fido ships PRONOM twice: in FIDO's own format, and as The National Archives' signature
file from which one need not convert anything. The second is what is used if nobody chose.

An installed set is a folder of its own with The National Archives' two files as they
were given; which set is used is one line in the file `active`. Both lie below
`$SKANEARKIV_HOME`, else below the user's data folder. The variable
`SKANEARKIV_SIGNATURES` fixes the set for a run and all its workers.
"""

from __future__ import annotations

import gc
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from format_registry.fido import compiled, container_file, droid_file, fido_file
from format_registry.fido.engine import Engine
from format_registry.fido.model import SignatureSet
from pipeline.core.errors import ConfigError

VARIABLE = "SKANEARKIV_SIGNATURES"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Installed:
    """A set that can be used. `sources`: (file name, SHA-256) of its signature files."""

    name: str
    version: int
    sources: tuple[tuple[str, str], ...]
    formats: int
    signatures: int
    containers: int
    active: bool


def home() -> Path:
    """Return the folder of the installed sets."""
    given = os.environ.get("SKANEARKIV_HOME")
    if given:
        return Path(given) / "signatures"
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local/share")
    return Path(data) / "skanearkiv" / "signatures"


def active_name() -> str:
    """Return the name of the set in use: the variable, what `use` chose, or opf-fido's."""
    given = os.environ.get(VARIABLE)
    if given:
        return given
    try:
        return (home() / "active").read_text(encoding="utf-8").strip() or shipped_name()
    except OSError:
        return shipped_name()


def shipped_name() -> str:
    """Return the name of the set that is used where nobody chose one."""
    return next(iter(shipped()))


@lru_cache(maxsize=1)
def shipped() -> dict[str, tuple[Path, Path]]:
    """Return the sets that opf-fido ships, by name: signature file, container file."""
    version, formats, containers = fido_file.shipped()
    found = {f"opf-fido-v{version}": (formats, containers)}
    droid = formats.parent / f"DROID_SignatureFile-v{version}.xml"
    return {f"droid-v{version}": (droid, containers), **found} if droid.is_file() else found


def names() -> list[str]:
    """Return the names of all sets, the shipped ones first."""
    folder = home()
    found = [one.name for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []
    return [*shipped(), *sorted(name for name in found if _NAME.match(name))]


def installed() -> Iterator[Installed]:
    """Yield what is known of each set. Raises ConfigError where one cannot be read."""
    for name in names():
        yield known(name)


def known(name: str) -> Installed:
    """Return what is known of a set. Raises ConfigError."""
    one = load(name)
    counts = (len(one.formats), len(one.signatures), len(one.containers))
    return Installed(name, one.version, one.sources, *counts, name == active_name())


def active() -> SignatureSet:
    """Return the set in use. Raises ConfigError."""
    return load(active_name())


def load(name: str) -> SignatureSet:
    """Return a set by its name. Raises ConfigError."""
    return engine(name).set


def engine(name: str | None = None) -> Engine:
    """Return the engine of a set (the active one), made once per process. Raises ConfigError."""
    return _engine(name or active_name(), home())


@lru_cache(maxsize=4)
def _engine(name: str, folder: Path) -> Engine:
    files = _files(name, folder)
    sources = tuple((path.name, _sha256(path)) for path in files)
    cached = _cached(name, sources)
    with suppress(OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        # Whatever is wrong with it, the signature files themselves are at hand.
        return _kept(Engine(*compiled.read(cached)))
    found = _parse(name, files, sources)
    with suppress(OSError):
        # A home that cannot be written costs each process the second that parsing takes.
        compiled.write(cached, found)
    return _kept(Engine(found))


def _kept(found: Engine) -> Engine:
    # It lives as long as the process. The garbage collector need not go through its
    # hundred thousand objects again and again: a tenth of the time of a small file.
    gc.collect()
    gc.freeze()
    return found


def install(paths: Sequence[Path], name: str = "") -> Installed:
    """Check a pair of signature files and keep a copy as a set; the present sets stay.

    One DROID signature file and one container signature file, in any order. Raises
    SignatureFileError that names the line, ConfigError.
    """
    droid, container = _sorted(paths)
    sources = tuple((path.name, _sha256(path)) for path in (droid, container))
    if droid.name == container.name:
        raise ConfigError(f"both files are named {droid.name}; rename one")
    found = _parse("new", (droid, container), sources)
    name = name or f"droid-v{found.version}"
    if not _NAME.match(name):
        raise ConfigError(f"{name!r} cannot be a name; letters, digits, dots and hyphens can")
    folder = home()
    if name in names():
        raise ConfigError(f"there is a set {name} already; give another with --name")
    # All expressions are compiled here, so that no file can break an engine in use.
    try:
        Engine(found).compile()
    except re.error as error:
        raise ConfigError(f"{droid.name}, {container.name}: {error}") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(dir=folder, prefix=".staged-"))
        try:
            for path in (droid, container):
                shutil.copyfile(path, staged / path.name)
            staged.chmod(0o755)
            staged.rename(folder / name)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror or error}") from error
    return known(name)


def use(name: str) -> None:
    """Make a set the active one. Raises ConfigError."""
    load(name)
    folder = home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, staged = tempfile.mkstemp(dir=folder, prefix=".active-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(name + "\n")
        os.chmod(staged, 0o644)
        os.replace(staged, folder / "active")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror or error}") from error


def _files(name: str, folder: Path) -> tuple[Path, Path]:
    if name in shipped():
        return shipped()[name]
    if not _NAME.match(name) or not (folder / name).is_dir():
        raise ConfigError(f"there is no signature set {name}; there are {', '.join(names())}")
    return _sorted(sorted((folder / name).glob("[!.]*")))


def _sorted(paths: Sequence[Path]) -> tuple[Path, Path]:
    """Return (signature file, container signature file), told apart by their root elements."""
    kinds: dict[str, Path] = {}
    for path in paths:
        if not path.is_file():
            raise ConfigError(f"{path} does not exist, or is no file")
        with path.open("rb") as stream:
            head = stream.read(4096)
        kind = next(
            (k for k in (b"FFSignatureFile", b"ContainerSignatureMapping") if k in head), b""
        )
        if not kind:
            # Parsed for the error it raises: what the file is instead, or where it breaks.
            droid_file.read(path, "FFSignatureFile")
        if kind.decode() in kinds:
            raise ConfigError(f"{path}: a second file of the same kind")
        kinds[kind.decode()] = path
    try:
        return kinds["FFSignatureFile"], kinds["ContainerSignatureMapping"]
    except KeyError as error:
        raise ConfigError(
            "a set takes two files: DROID_SignatureFile_V*.xml and container-signature-*.xml; "
            f"the one with <{error.args[0]}> is missing"
        ) from None


def _parse(
    name: str, files: tuple[Path, Path], sources: tuple[tuple[str, str], ...]
) -> SignatureSet:
    if files[0].name.startswith("formats-"):
        version, (formats, signatures) = fido_file.shipped()[0], fido_file.parse(files[0])
    else:
        version, formats, signatures = droid_file.parse(files[0])
    containers = container_file.parse(files[1])
    return SignatureSet(name, version, sources, formats, signatures, containers)


def _cached(name: str, sources: tuple[tuple[str, str], ...]) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    key = hashlib.sha256(repr((name, sources)).encode()).hexdigest()[:16]
    return Path(cache) / "skanearkiv" / f"signatures-{key}-{compiled.FORM}.json"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
