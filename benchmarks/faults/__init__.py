"""Faults, made for real in runs of a small delivery, and what becomes of the files."""
