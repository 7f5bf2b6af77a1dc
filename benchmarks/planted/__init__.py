# SPDX-License-Identifier: AGPL-3.0-or-later
"""A slow-down planted on purpose: does `bench compare` find it, and nothing else?"""
