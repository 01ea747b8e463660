"""Who is one person, against the truth: TPC-DS customers in three channels.

``python -m tests.bench.linking --help``
"""
