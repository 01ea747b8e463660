"""Code that several domain packages share: GraphQL fields, durable workflows, outgoing HTTP requests."""
