"""Ingestion of tracking messages (Segment's HTTP API), for every endpoint that receives them.

A message passes these modules in order:
    1. ``write_keys``, ``batch``: which source sends, and which messages its request holds
    2. ``intake``: size limits, validation, dead letters and the queue, in one place for all endpoints
    3. ``validation``: a message becomes a ``Fact`` or a ``RefusedMessage``; its parts are parsed by
       ``identifiers``, ``attributes``, ``event``, ``consent_message``, ``statement_context``, ``timestamp``
       and ``value_parsing``
    4. ``queue``: facts of concurrent requests share transactions
    5. ``message_index``: blind indexes of the record, the identifiers and the message
    6. ``dead_letters``: refused messages, sealed for 14 days and replayed after a change of the catalogue

``message`` has the values that all of these exchange.
"""
