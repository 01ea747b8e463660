"""GraphQL over HTTP and WebSocket: parse, limit, validate, execute and answer operations."""
