"""Runs over real files, of every family."""
