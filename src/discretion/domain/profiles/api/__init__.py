"""Customers in GraphQL; built from the catalogue, so that an attribute is one entry there."""
