# SPDX-License-Identifier: AGPL-3.0-or-later
"""The package at a place, as workers and as the coordinator use it."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.config.storage import Storage
from pipeline.storage.folder_package import FolderPackage, FolderStaging
from pipeline.storage.object_package import ObjectPackage, ObjectStaging
from pipeline.storage.opened import opened
from pipeline.storage.package import Package, Staging
from pipeline.storage.place import Address, Place


def staging(place: Place, settings: Storage) -> Staging:
    """Return the worker's side of a staging folder or prefix. Raises ConfigError."""
    if isinstance(place, Address):
        return ObjectStaging(opened(place, settings))
    return FolderStaging(place)


def package(place: Place, settings: Storage, say: Callable[[str], None] | None = None) -> Package:
    """Return the coordinator's side of a package. Raises ConfigError."""
    return objects(place, settings, say) if isinstance(place, Address) else FolderPackage(place)


def objects(
    address: Address, settings: Storage, say: Callable[[str], None] | None = None
) -> ObjectPackage:
    """Return the coordinator's side of a package in object storage. Raises ConfigError."""
    return ObjectPackage(opened(address, settings, say), address.url)
