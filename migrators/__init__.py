"""Makers: one module per path, found by pkgutil."""
