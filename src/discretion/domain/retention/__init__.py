"""Retention: what has lapsed is not taken in, and what lapses is deleted."""
