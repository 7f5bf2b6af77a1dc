"""One module for each part of a PDF that PDF/A has rules for; `table.toml` says which rule."""
