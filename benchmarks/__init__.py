"""Throughput, measured and kept with the machine described."""
