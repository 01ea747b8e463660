"""Tests of the privacy signals that are read for a person, and of those that are ignored."""
