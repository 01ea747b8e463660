"""Identifiers, identity history, merge and unmerge in GraphQL."""
