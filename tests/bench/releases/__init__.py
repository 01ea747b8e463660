"""Compares the speed of this release with that of another, in one run."""
