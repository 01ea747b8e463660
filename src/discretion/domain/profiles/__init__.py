"""The unified profile: facts in, one document per person, read back through the conductor."""
