"""Joins: the ways in which customers widen what their login reaches.

- ``login_joins``: a person who logs in to two accounts within ten minutes joins them
- ``record_joins``: a code to an address that a record has proven joins the record to a login
- ``api``: the GraphQL mutations

Both store a ruling with the actor ``customer`` (``domain.identity.personal_joins``), which a steward can
undo. A record that has proven no address is joined by a till's confirmation of a card, or by the privacy
office.
"""
