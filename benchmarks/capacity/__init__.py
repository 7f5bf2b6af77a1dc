# SPDX-License-Identifier: AGPL-3.0-or-later
"""How many machines a delivery needs, from costs that were measured."""
