"""Judges: one module per tool or format family, found by pkgutil.

Ours, not the package of this name on the public index.
"""
