"""Where deliveries are read from and packages written to: folders, and object storage."""
