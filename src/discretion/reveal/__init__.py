"""The only place where a seal is opened, and the forms in which a value may be seen.

``clear``, ``masked``, ``coarse`` and ``pseudonym`` are decided before the fetch and applied the
moment a seal opens. A reading lives for one operation and keeps its account: whom it met,
what it showed, what it held back and why. That account is what the ledger records, so
the record and the answer have one source. ``letters`` opens refused messages, to be sent again and
shown to nobody.

Refuses: a value past its retention; an attribute that is not in the plan; telling a third party whether a
value is withheld or was never there.

Considered and dropped: masking in resolvers (one forgotten alias undoes it); random pseudonyms
per answer (a client could not recognise its own customer the next day).
"""
