"""One warm LibreOffice per worker, spoken to over UNO by the system's Python."""
