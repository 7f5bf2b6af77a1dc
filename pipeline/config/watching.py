# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a run can be watched."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.errors import ConfigError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Watching:
    """`[watching]`: `metrics` is HOST:PORT, or PORT of this machine alone, empty for none.

    `log`: a file for lines of JSON, `-` for standard error, empty for OUT/log/run-N.jsonl.
    """

    metrics: str = ""
    log: str = ""

    def address(self) -> tuple[str, int] | None:
        """Return host and port of the metrics, None where none are wanted. Raises ConfigError."""
        if not self.metrics:
            return None
        host, _, port = self.metrics.rpartition(":")
        # An IPv6 address stands in brackets, as in a URL (RFC 3986, 3.2.2).
        host = host.removeprefix("[").removesuffix("]")
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise ConfigError(f"metrics: HOST:PORT or a port is expected, not {self.metrics!r}")
        return host or LOOPBACK, int(port)
