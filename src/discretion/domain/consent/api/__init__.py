"""GraphQL fields and mutations for consent, permissions and opt-out signals."""
