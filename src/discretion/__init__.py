"""Discretion: a customer data platform that reveals each attribute only for a permitted purpose.

Glossary. Each word has one meaning in code, schema, tests and documentation.

People and their data:

* customer: the data subject; one unified profile.
* channel: ``web``, ``store`` or ``app``.
* source: a registered sender in one channel, with write keys.
* source record: what one source knows about one person under its own identifiers; never merged away.
* identifier: a typed external id: ``email``, ``phone``, ``loyalty_id``, ``user_id``, ``anonymous_id``,
  ``device_id``, ``cookie`` or ``card_token``.
* assurance: how certain it is that an identifier belongs to the person of a record: ``claimed`` <
  ``presented`` < ``proven``.
* attribute: one field of personal data in the catalogue.
* group: the attributes of one GraphQL object type.
* duplicate suggestion: two customers who are probably one, for a steward to decide.
* dead letter: a refused message, kept sealed for 14 days.

Purposes and decisions:

* purpose: a Fideslang data use. Purposes form a tree; holding a node covers its descendants.
* legal basis: the basis of GDPR Art. 6 on which the catalogue allows a purpose.
* jurisdiction: the law a person is protected by; its rules are dated data.
* grant: what a verified token allows: client, subject, scopes, purposes, categories and expiry.
* decision: ``Allow(purposes, form)``, ``Deny(reason)`` or ``Gap`` (not configured: denied, and reported as a
  fault).
* form: how a value is revealed: ``clear``, ``masked``, ``coarse`` or ``pseudonym``.
* plan: an operation and its decision, compiled: what MongoDB is asked for, what is unsealed, and how the
  answer is built.
* disclosure: one recorded reveal: to whom, for which purpose, about whom, which attributes, and when.

Choices and rights:

* statement: what a person said about purposes (consent, refusal, objection or signal), with proof.
* receipt: proof that a disclosure, a statement or the outcome of a request is on record.
* rights request: access, portability, correction, erasure, restriction, objection, opt-out, complaint or
  appeal.
* agent request: a request filed by an authorised agent.
* mandate: the power of attorney that an agent request rests on.
* lease: one worker's claim on work.
* legal hold: data kept for a dispute.
* legal retention: data that another law requires to be kept.

Actors and answers:

* steward: a member of the retailer's privacy staff.
* partner: an outside client with purpose-scoped tokens and an agreement.
* agreement: what a partner may do: purposes, categories, jurisdictions and validity.
* insight: a differentially private answer about many people.
* audience: a group of people computed for exactly one purpose.
"""

from __future__ import annotations

__version__ = "0.1.0"
