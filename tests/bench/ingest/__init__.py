"""How fast messages are taken in, beside MongoDB's own ``insert_many``.

``python -m tests.bench.ingest --help``
"""
