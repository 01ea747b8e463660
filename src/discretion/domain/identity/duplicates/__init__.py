"""Who is known twice without an identifier in common: found by likeness, decided by a steward."""
