"""Batches, window, quarantine and the coordinator, on Dask."""
