"""Benchmarks: each prints a table of ratios measured side by side, and asserts nothing about time."""
