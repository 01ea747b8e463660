"""GraphQL building blocks of the domain APIs: resolver context, fields, connections, scalars, directives."""
