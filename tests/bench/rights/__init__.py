"""Benchmarks of rights requests: erasure and access.

``python -m tests.bench.rights --help`` and ``python -m tests.bench.rights.access --help``
"""
