"""Benchmark of message ingestion, compared with MongoDB's ``insert_many``.

``python -m tests.bench.ingest --help``
"""
