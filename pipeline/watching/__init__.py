"""What a run shows of itself while it works: metrics, log, state."""
