"""Benchmark of GraphQL queries for 13 attributes of one customer and of a list, compared with other servers.

``python -m tests.bench.query --help``
"""
