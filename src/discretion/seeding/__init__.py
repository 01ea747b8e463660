"""Test data: a hand-written cast and generated customers, sent through the public HTTP API.

This package is a client like any other: it knows the tracking API and nothing of the platform behind it.

Modules: ``cast`` (the people of ``seed/cast.yaml``), ``tpcds`` (customers and purchases of the benchmark
TPC-DS), ``shopper`` and ``geography`` (what each channel knows of such a customer), ``message`` (the
message and the deterministic random numbers), ``send`` (sending).
"""
