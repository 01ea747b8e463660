"""Benchmark of duplicate detection on published ground truth.

``python -m tests.bench.identity --help``
"""
