"""Benchmark of identity resolution against known truth: TPC-DS customers in three channels.

``python -m tests.bench.linking --help``
"""
