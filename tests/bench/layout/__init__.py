"""Measures stored documents, and what reading customers costs MongoDB: ``python -m tests.bench.layout``.

The server's own queries are recorded and repeated, so that two releases with other documents can be compared.
"""
