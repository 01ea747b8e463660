"""Consent: what customers said about purposes, stored as evidence and given out as receipts.

How it works:

1. A statement is a consent, refusal, objection or opt-out signal about purposes. It comes from a source
   (``ingest``), from a GraphQL mutation (``api.mutations``) or from the customer's own browser
   (``opt_out_signal``). A statement about a node of the purpose tree is resolved to purposes
   (``statements``).
2. The choice is stored in every source record of the customer (``statement_writer``). It is in force as soon
   as the transaction is committed, because the same transaction recomputes what the customer permits.
3. In the same transaction, one consent event for each purpose is recorded (``store.consent_event``):
   ``record_statement`` does this for customers and stewards, ``source_statements`` for sources. The event
   names the terms that applied (``terms``, ``terms_registry``) by their digest. ``objection_hook`` adds the
   rights request of an objection.
4. A customer gets a signed receipt for every event (``receipt``) and can export all events as linked data
   (``export``).
5. ``permission`` explains which purposes a customer permits now, and why. ``recompute`` computes the
   permissions of all customers again after a change of rules or with the passage of time; ``terminal`` is its
   output.
"""
