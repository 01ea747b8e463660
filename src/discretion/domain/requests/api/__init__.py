"""GraphQL types, queries and mutations of rights requests."""
