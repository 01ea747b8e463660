"""Benchmark of the recomputation of permissions.

``python -m tests.bench.recompute --help``
"""
