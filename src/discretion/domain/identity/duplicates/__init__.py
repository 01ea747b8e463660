"""Duplicate suggestions: customers who are probably one person but have no identifier in common.

``match_rules`` is the probabilistic match model as data, ``comparison`` runs it with Splink,
``suggestion_run`` reads the customers and stores the suggestions (command ``identity suggest``), ``terminal``
prints progress and result, and ``api`` lets a steward accept or refuse. Nobody is merged without a steward's
decision.
"""
