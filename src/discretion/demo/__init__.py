"""``discretion demo``: everything on an empty machine, sown, served, and shown by example."""
