"""What is known of each file: SQLite, one writer."""
