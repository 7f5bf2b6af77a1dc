"""Records, errors, bounded child processes, warm servers, hashing and staging; standard library only."""
