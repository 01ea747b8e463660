"""Erasure: what is deleted, what another law orders kept, and how the deletion is proven (GDPR Art. 17).

The life of an erasure. Most parts are workflow steps of the rights request; their stored name is in brackets:

1. ``preview``, ``dry_run``: show beforehand what would be deleted. Nothing is changed.
2. ``profile_deletion`` (``depart``): deletes the profile, its source records and identifiers in one
   transaction, writes tombstones, moves retained data to ``held`` and stores an ``erasure_snapshot``.
3. ``ledger_step`` (``remember``): appends a line to the ``erasure_ledger``, a file outside the database. A
   restored backup is erased again from it (``erasure_log``, ``domain/backup``).
4. ``domain/recipients`` (``tell``): notifies the recipients of the data.
5. ``purge`` (``purge``): deletes events, messages, dead letters and all else, in batches, and mail in the
   folder that stands in for a mail server (``mail_erasure``).
6. ``key_destruction`` (``shred``): destroys the bucket keys, so that older copies of the database are
   unreadable (``crypto_shred``).
7. ``verification`` (``verify``): searches all collections for the erased ids.
8. ``domain/recipients`` (``told``): waits for the acknowledgements of recipients.
9. ``certification`` (``certify``): signs the certificate and deletes the snapshot.

``scoped_erasure`` erases only a channel, a data category or a purpose, and the events that belong to it
(``scope_events``); the customer stays.

Every step may run twice: a worker that takes over an interrupted request repeats its current step. A step
that raises an error is retried later; the workflow runner stores its code in the request. If the customer
does not exist any more, no snapshot is stored, and the later steps do nothing.

Rejected alternatives: overwriting documents (their former bytes stay in the journal, the oplog and backups);
one key per customer outside the database (a file of a million keys would be rewritten for each erasure).
"""
