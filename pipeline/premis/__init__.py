"""PREMIS 3.0 from the ledger."""
