"""PDF to PDF/A: what mends, what rewrites, what judges between."""
