"""The only package that decrypts customer data, and the forms in which a value may be shown.

The form (``clear``, ``masked``, ``coarse`` or ``pseudonym``) is decided before the fetch and applied in the
same step that decrypts a value. A ``Reading`` lives for one operation and keeps its account: which customers
were read, which attributes were shown, what was withheld and why. The ledger records this account, so the
record and the answer have one source.

This package refuses to show a value past its retention period, to show an attribute that is not in the plan,
and to tell a third party whether a value was withheld or never existed.

Alternatives that were rejected: masking in resolvers (one forgotten alias would bypass it); random pseudonyms
per answer (a client could not recognise its own customer the next day).

Modules, in reading order: ``forms`` (how a value looks in each form), ``plan_cut_offs`` (the retention of a
plan's attributes), ``revealer`` (readings), and two narrow exceptions that show no value to a caller:
``dead_letters`` (refused messages, decrypted to be processed again) and ``corrections`` (proposed values,
decrypted to be written to the person's own profile).
"""
