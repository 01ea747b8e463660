"""Who is who: exact identifiers make one person of many records."""
