# SPDX-License-Identifier: AGPL-3.0-or-later
"""A scheduler that is up already: its workers are somebody else's to start and stop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.config.clusters import Address, checked
from pipeline.core.errors import ConfigError
from pipeline.execution.clusters.base import Joined, configured, connected, security


@contextmanager
def opened(cluster: Address, tls: Path | None) -> Iterator[Joined]:
    """Yield the cluster; it is left as it was. Raises ConfigError."""
    address = cluster.address or _read(Path(cluster.scheduler_file))
    checked(Address(address=address, insecure=cluster.insecure), "--cluster")
    if address.startswith("tls://") and tls is None:
        raise ConfigError(
            f"{address} needs certificates: name their folder with --tls, or as `tls` in the "
            "cluster's description"
        )
    with (
        configured(),
        connected(
            address,
            timeout="30s",
            # Nobody tells a client that merely lost its way what became of its work.
            set_as_default=False,
            security=security(tls) if tls else None,
        ) as client,
    ):
        yield Joined(client, str(client.dashboard_link), 0)


def _read(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no scheduler file: {error}") from error
