"""What a file is and what we want of it."""
