"""Exactly what is asked of MongoDB, and how the answer is shaped. Pure.

An operation and a decision compile into one plan: a projection that names only what may be
seen, and a generated function from stored document to response. What is denied is not in the
projection, hence not in the process. Plans are remembered by everything they depend on; who the
caller is does not belong to it.

Refuses: documents over a published limit, before validation; a filter or an order over what the
grant may not see in clear, for asking about a value is seeing it.

Considered and dropped: filtering after the fetch (what was never fetched cannot leak); walking
the selection again for every object (twenty times slower); a GraphQL executor of our own:
names, fragments, nullability and errors stay graphql-core's, which is also the tests' oracle.
"""
