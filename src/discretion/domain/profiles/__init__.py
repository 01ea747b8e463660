"""Profiles: facts become source records, and the source records of a person become one customer document.

Reading order:
    1. ``source_record``: how facts change what one source knows (its type is in ``store.source_record``)
    2. ``minimisation``, ``erased_scopes``: what of a fact is not stored
    3. ``precedence``, ``fold``: the unified profile, computed from all source records of a customer
    4. ``person_state``, ``permission_window``: what permissions depend on, and what the customer permits
    5. ``api``: customers in GraphQL

All modules except ``api`` are without I/O. ``identity`` reads and writes the documents.
"""
