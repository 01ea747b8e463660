"""Identity resolution: exact identifiers unify source records into one customer.

How it works:

1. A message reaches ``unification.ProfileUnifier`` as a ``Fact`` with its blind index (source record,
   mentioned identifiers, message digest). Messages already on record are duplicates; ``erasure_guard``
   removes what tombstones block.
2. ``evidence_reader`` reads, inside the transaction, the source records, customers, identifiers and steward
   rulings that can change the result. If a message names no new identifier, only the attributes it can change
   are read.
3. ``clustering`` groups the records into persons. It is a pure function of all evidence, so the result does
   not depend on the order of arrival; late evidence can also split a person.
4. ``assignment`` decides which customer id each person has. A merge keeps the eldest id; a person who is
   split off again gets their former id back.
5. ``person_rewrite`` writes the result through ``unit_of_work``: source records are never merged away, only
   re-encrypted under the data key of the customer they belong to, and the profile is folded again from them.
   ``identity_events`` records each merge and split with its evidence, ``ledger_periods`` under which
   pseudonyms the records were disclosed before it. Whoever else changes stored people
   (corrections, restrictions, statements, retention, erasure) uses the same entry, ``PersonRewriter``.
6. ``stewardship`` lets a steward merge and unmerge. The decision is stored as a ruling (``ruling``) and
   outweighs all identifiers. ``personal_joins`` lets customers join what they have proven to be theirs,
   unless a steward has separated it. Both write their rulings through ``ruling_writer``.

``statement_observer`` hands consent statements in messages to ``consent.source_statements`` within the same
transaction. ``duplicates`` suggests customers who are probably one person without a common identifier.
``api`` is the GraphQL part.
"""
