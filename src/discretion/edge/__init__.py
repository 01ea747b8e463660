"""The doors: HTTP, GraphQL, tracking calls, web pages.

Foreign shapes end here. A request becomes a grant and an operation, a refusal becomes a status
and a stable code, and everything else that goes wrong is masked: the caller gets an id to quote,
the log gets the story without personal values.

Refuses: bodies, documents and batches over published limits, before work is done for them;
mutations by GET, multipart uploads, the retired ``graphql-ws``; pages that load from elsewhere.

Considered and dropped: a larger web framework (routes are few, and validation follows from the
catalogue); Strawberry's own view (it does not answer ``application/graphql-response+json``).
"""
