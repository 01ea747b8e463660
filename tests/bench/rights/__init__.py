"""How long it takes to answer people's requests."""
