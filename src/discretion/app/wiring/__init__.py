"""Builds the objects of each domain package from settings, keys and the database."""
