"""Values that stay shut: a key per customer, blind indexes, ids that two partners cannot join.

Each value is sealed by AES-256-GCM under its customer's key and bound to customer, attribute
and time, so it cannot be moved or dated back. The key is wrapped by the key of a bucket that
lives outside MongoDB: destroy that one, and every old copy of the wrapped key is dead. What belongs
to no customer yet, a refused message, is sealed under the key of its day.

Refuses: to show itself. What is shut prints as stars, and only ``reveal`` opens; ``move`` takes
a cell from one customer to another without handing out what is in it.

Considered and dropped: shredding by deleting a key from the database (it stays in the oplog and
the data files, from where it can be put back); one key for all (nobody can be forgotten);
order-preserving or searchable encryption (it tells an observer what it was to hide).
"""
