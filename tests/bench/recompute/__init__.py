"""How long it takes to judge everybody anew.

``python -m tests.bench.recompute --help``
"""
