"""People's rights in GraphQL."""
