"""One customer and a list of them, 13 attributes each, asked of Discretion and of others.

``python -m tests.bench.query --help``
"""
