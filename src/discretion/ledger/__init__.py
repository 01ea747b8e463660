"""What was revealed: to whom, for which purpose, whose, which attributes, when. Append-only.

The answer leaves after its disclosure is on disk at a majority, and not before: no receipt, no
data. Concurrent requests share one durable write. The canonical bytes of an entry are a
promise; later releases read and prove what earlier ones wrote.

Refuses: personal values. People appear under a pseudonym whose key dies with them, so erasing
someone does not mean rewriting history.

Considered and dropped: writing after the answer (a crash in between is a reveal nobody can
find); the application's log (it can be rotated, sampled and edited); one write per field (a
page of customers would wait for thousands).
"""
