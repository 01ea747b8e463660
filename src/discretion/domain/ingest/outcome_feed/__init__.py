"""The feed of outcomes: what sources send at present and what becomes of it, for somebody who watches.

Nothing is written while nobody watches. Whoever reads the feed extends a watch in the database by some
seconds; every process looks for watches once a second, and writes the outcomes of the watched sources to a
collection that all processes share. Entries have no value, no id and no name that a sender chose.

Reading order:
    1. ``outcome_feed``: watches, and the entries of one process
    2. ``api``: the field ``ingestOutcomes``
    3. ``tail``: ``discretion ingest tail``, which polls that field of a running server
"""
