"""Tests: they mirror the tree, and run the real tools."""
