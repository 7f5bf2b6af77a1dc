# SPDX-License-Identifier: AGPL-3.0-or-later
"""The machines that a delivery is to be worked on, as the model knows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """`slots` workers on machines of `per_machine` slots and `cores` cores each.

    `local`: the coordinator is on the (one) machine too. `walltime` seconds after which a
    machine's job ends and begins anew, 0 for none; `failures`: of one machine, a day. Rates
    in bytes a second, 0 for what does not bind: `disk` of the storage that all share,
    `network` of one machine's link. `longest`: hand out what takes longest first.
    """

    slots: int
    per_machine: int = 1
    cores: float = 1.0
    local: bool = False
    walltime: float = 0.0
    failures: float = 0.0
    disk: float = 0.0
    network: float = 0.0
    longest: bool = False

    @property
    def machines(self) -> int:
        """How many machines that is."""
        return -(-self.slots // self.per_machine)
