"""The GraphQL API of customers. Types are built from the catalogue, so an attribute is declared only there.

Reading order: ``customer_types`` (the type ``Customer``), ``customers`` (the queries), ``filter`` (filter and
order inputs), ``provenance`` and ``timeline`` (fields of a customer that have resolvers).
"""
