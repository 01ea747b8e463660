"""Consent in GraphQL."""
