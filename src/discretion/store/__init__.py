"""MongoDB, and the only package that knows its driver.

Reads take a plan's projection and nothing wider. Writes are idempotent by key, majority and
journaled, so each can be asked again: a write concern error means "unknown", never "failed".
Collections, indexes and validators are declared as data.

Refuses: a server that is too old or no replica set; a read of a customer without a plan.

Considered and dropped: one driver (Motor is the mission's and no longer developed, PyMongo's
own asyncio API is twice as fast here; one seam hides both); an object mapper (it fetches
whole documents, which is what a plan exists to avoid); a stand-in for MongoDB in tests (its
errors would not be MongoDB's); client-side field level encryption (45 times slower than ``seal``).
"""
