"""Tests of what laws require, and since when."""
