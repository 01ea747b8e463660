"""GraphQL building blocks that every domain API uses: fields, pages, scalars, directives, context."""
