"""File formats of a package: JSON, CSV, HTML and JSON-LD, all from the same sections."""
