"""Searches for erased data, by programs that share no code with the erasure."""
