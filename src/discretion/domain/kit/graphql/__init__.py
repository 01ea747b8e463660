"""GraphQL building blocks of the domain APIs: context, fields, services, pages, scalars, directives."""
