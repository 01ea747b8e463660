"""Sowing: a cast with a story and generated customers, sent through the public HTTP API.

A client like any other: it knows the tracking API and nothing of what is behind it.
"""
