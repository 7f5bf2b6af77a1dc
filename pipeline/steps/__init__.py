"""One file through identify, validate, decide, migrate and verify; no database here."""
