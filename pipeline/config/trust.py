# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator's trust list: certificates in PEM or DER, single files or whole folders.

Read from the disk alone. An operator exports them from wherever they are trusted, e.g.
the trusted lists of the EU (ETSI TS 119 612); no list is ever fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.core.errors import ConfigError

_PEM = b"-----BEGIN "
_REMEDY = (
    "export it anew as a certificate in PEM or DER, or take it out of signature_trust.certificates"
)


def load(paths: Sequence[str]) -> tuple[bytes, ...]:
    """Return every certificate of the files and folders as DER, each once.

    A folder counts with all of its files, hidden ones apart. Raises ConfigError that names
    the file and the remedy: a trust list that is read in part would call signers strangers.
    """
    found: dict[bytes, None] = {}
    for name in paths:
        for path in _files(Path(name)):
            found.update(dict.fromkeys(_certificates(path)))
    return tuple(found)


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise ConfigError(
            f"signature_trust.certificates: {path} does not exist; "
            "name a file or folder of trusted certificates"
        )
    if not path.is_dir():
        yield path
        return
    try:
        names = sorted(name for name in os.listdir(path) if not name.startswith("."))
    except OSError as error:
        raise _bad(path, error.strerror) from error
    files = [path / name for name in names if (path / name).is_file()]
    if not files:
        raise ConfigError(
            f"signature_trust.certificates: the folder {path} holds no files; "
            "put trusted certificates (PEM or DER) into it"
        )
    yield from files


def _certificates(path: Path) -> list[bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        data = path.read_bytes()
        if _PEM in data:
            found = x509.load_pem_x509_certificates(data)
        else:
            found = [x509.load_der_x509_certificate(data)]
        return [one.public_bytes(Encoding.DER) for one in found]
    except OSError as error:
        raise _bad(path, error.strerror) from error
    except (ValueError, TypeError) as error:
        raise _bad(path, str(error)) from error


def _bad(path: Path, why: str | None) -> ConfigError:
    shown = " ".join((why or "it cannot be read").split())[:200]
    return ConfigError(
        f"signature_trust.certificates: {path} cannot be read as a certificate ({shown}); {_REMEDY}"
    )
