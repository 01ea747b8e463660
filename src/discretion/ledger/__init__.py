"""The record of disclosures: to which client, for which purposes, which attributes of which people, and when.

The ledger is append-only. An answer is sent only after its entry is on disk at a majority of the replica set:
without a receipt no data are sent. Concurrent requests share one durable write. The canonical bytes of an
entry are a stable format; later releases read and prove the entries of earlier ones.

Entries contain no personal values. People appear under a pseudonym that depends on their data key and becomes
meaningless when the key is destroyed, so an erasure does not have to rewrite the ledger.

Alternatives that were rejected: writing after the answer (a crash in between would leave a disclosure without
a record); the application's log (it can be rotated, sampled and edited); one write per field (a page of
customers would wait for thousands of writes).

Who was seen is found through postings, which are written behind: an index over the people of every page would
cost more than all the rest of the entry. Entries younger than the postings are scanned.

Modules, in reading order: ``entry`` (one entry and its bytes), ``packed_entry`` (its stored form), ``append``
(group commit), ``positions`` (the order of stored entries), ``subject_names`` (which entries are about a
person, and what of each), ``storage`` (entries in MongoDB), ``postings`` and ``posting_writer`` (which
entries are about whom).
"""
