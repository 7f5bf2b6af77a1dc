"""Records, errors, bounded children, warm servers, hashing, staging; standard library only."""
