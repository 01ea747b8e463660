"""Access to MongoDB, and the only package that uses its driver.

Whoever answers a caller reads customers through ``customers``, with a plan's projection and nothing wider.
Whoever writes, exports or erases people reads them by the named methods of ``people`` and of the other
repositories in ``person_stores``. Two import contracts hold this: ``people`` names the packages that may use
these repositories, ``answers`` the modules that may not. Domain code has repositories and transactions
(``transactions``), and no query (contract ``repositories``).

A repository takes and returns frozen records with long names. One codec for each of them, a ``parse_`` and a
``build_`` function, knows the short stored names, which a legend beside the schema explains. Only the
functions of a plan read stored customers themselves, because a page of them must be fast.

Writes are idempotent by key, with write concern majority and journal, so each can be repeated: a write
concern error means "outcome unknown", never "failed". Collections, indexes and validators are declared as
data in ``schema``.

This package refuses a server that is too old or not a replica set.

Alternatives that were rejected: a single driver (Motor is required but no longer developed; PyMongo's own
asyncio API is twice as fast here; ``driver`` hides both); an object mapper (it fetches whole documents, which
a plan exists to avoid); a stand-in for MongoDB in tests (its errors would not be MongoDB's); client-side
field level encryption (45 times slower than ``seal``).

Subpackages: ``driver`` (calls, errors and transactions), ``schema`` (every collection and the meaning of its
keys), ``embedded`` (a MongoDB server for evaluation and tests). The other modules each serve one collection
or one task.
"""
