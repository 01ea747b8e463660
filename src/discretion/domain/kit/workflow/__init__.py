"""Durable workflows: the steps of a rights request run in order, in any process, and survive crashes.

Reading order: ``step_name`` (the steps), ``step_outcome`` (what a step returns), ``lease`` (one process's
exclusive claim on a request), ``step`` (what runs a step), ``runner`` (runs due requests and retries failed
steps). All background work
polls with ``poll`` and waits after failures with ``retry``.
"""
