"""How a package is written down: the same sections as JSON, tables, a page to read, and linked data."""
