"""Erasure: what goes, what another law orders kept, and how it is proven (GDPR Art. 17).

What is taken out of the database is dead in every copy of it, and stays gone. Considered and dropped:
overwriting documents (their former bytes stay in the journal, the oplog and backups); one key for each person
outside the database (a file of a million keys written anew for each erasure).
"""
