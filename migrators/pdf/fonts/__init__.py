"""Font programs: which one stands in for a missing one, and how one is written."""
