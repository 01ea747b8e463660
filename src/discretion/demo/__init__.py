"""``discretion demo``: a complete platform on an empty machine, with generated customers and example queries.

Modules: ``run`` (the course of the demo), ``roles`` (its tokens and queries), ``terminal`` (its output).
"""
