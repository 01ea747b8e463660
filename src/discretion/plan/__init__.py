"""Query plans: what MongoDB is asked for, and how the response is built. Pure functions.

An operation and the decisions on its attributes compile into one plan: a projection of the members that may
be seen, and a generated function from stored document to response. A denied attribute is not in the
projection, so its value never reaches the process. Plans are cached under everything they depend on; the
identity of the caller is not part of it.

This package refuses documents over a published limit, before validation. It refuses filters and sort orders
by attributes that the grant may not see in clear, because the answer reveals the value.

Rejected alternatives: filtering after the fetch (what was never fetched cannot leak); walking the selection
again for every object (twenty times slower); a separate GraphQL executor (names, fragments, nullability and
errors stay those of graphql-core, which is also the oracle of the tests).

- ``query_cost``: cost of a document, measured before validation
- ``selection``: the attributes an operation asks for
- ``plan``, ``compile``: the plan, and its generated functions
- ``plan_cache``: compiled plans
- ``filter``: filters, sort orders and cursors under the same decisions
- ``customer_members``: the names of a stored customer's members
- ``permission_window``: what a stored customer permits now, as bits and as a query
"""
