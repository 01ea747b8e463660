"""Erasure: what goes, what another law orders kept, that it stays gone, and how it is proven (GDPR Art. 17).

Considered and dropped: overwriting documents (their former bytes stay in the journal, the oplog and backups);
one key for each person outside the database (a file of a million keys written anew for each erasure).
"""
