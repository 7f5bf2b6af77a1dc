"""HTML, CSV and JSON from the ledger, in Swedish and English."""
