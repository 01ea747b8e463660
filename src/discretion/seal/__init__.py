"""Encryption of personal data: a key per customer, blind indexes, and ids that two partners cannot join.

Each value is encrypted with AES-256-GCM under its customer's data key and bound to customer, attribute and
time, so it can be neither moved nor backdated. The data key is wrapped by the key of a bucket that is stored
outside MongoDB. Destroying the bucket key makes every old copy of the wrapped key useless (crypto-shredding).
Data that do not belong to a customer yet, such as a refused message, are encrypted under the key of their
day.

Personal values print as stars (``redacted``), and only ``reveal`` decrypts sealed ones. ``cell_transfer``
re-encrypts a value for another customer without handing it to the caller.

Alternatives that were rejected: shredding by deleting a key from the database (it stays in the oplog and the
data files and can be inserted again); one key for all customers (no single customer could be erased);
order-preserving or searchable encryption (it reveals to an observer what it should hide).

Modules, in reading order: ``cell`` (format of a sealed value), ``open`` (decryption), ``cell_transfer``,
``key_files`` (root key and sealed files), ``sealed_file`` (one that many processes share), ``key_ring`` and
``bucket_keys`` (keys of the buckets), ``fingerprint`` (whose keys a database was set up with), ``file_lock``,
``rewrapped_keys`` (reading old dumps), ``daily_keys`` and ``dead_letter`` (refused messages),
``blind_index``, ``normalisation``, ``pairwise_ids``, ``ledger_pseudonym``, ``redacted``.
"""
