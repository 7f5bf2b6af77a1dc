"""Where the work runs: one module per kind of cluster."""
