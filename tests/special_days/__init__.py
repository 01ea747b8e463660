"""Runs tests on special days of the calendar."""
