"""Benchmarks. Each prints tables of measurements and asserts nothing about time."""
