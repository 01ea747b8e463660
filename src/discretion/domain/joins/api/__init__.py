"""The GraphQL fields of joins."""
