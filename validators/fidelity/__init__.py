"""Judges of a pair: a source and what was made from it."""
