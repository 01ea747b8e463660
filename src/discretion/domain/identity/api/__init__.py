"""GraphQL fields and mutations for identifiers, identity history, merge and unmerge."""
