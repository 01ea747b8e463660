"""The driver seam: one interface over PyMongo's asyncio API and Motor."""
