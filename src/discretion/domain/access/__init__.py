"""Packages: everything that is kept of one person, gathered page by page, and how they get it."""
