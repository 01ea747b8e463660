"""Joins: the ways in which customers widen what their login reaches, and the notice before others do.

- ``login_joins``: a person who logs in to two accounts within ten minutes joins them
- ``record_joins``: a code to an address that a record has proven joins the record to a login
- ``proposals``: what a steward joins on claims is announced to both, who may object
- ``api``: the GraphQL fields

The first two store a ruling with the actor ``customer`` (``domain.identity.personal_joins``), which a
steward can undo. A record that has proven no address is joined by a till's confirmation of a card, or by the
privacy office.
"""
