# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tests of the engine and its signature files."""
