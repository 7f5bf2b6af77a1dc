# SPDX-License-Identifier: AGPL-3.0-or-later
"""XML schemas that documents are held against; `schemas.toml` says which for which namespace."""
