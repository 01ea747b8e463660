"""The network interfaces: GraphQL, the tracking API, the protocols of agents, and a few web pages.

Only this package knows wire formats. A request becomes a grant and an operation. A refusal becomes a status
and a stable code. Every other error is masked: the caller gets an id to quote, and the log gets types and
lines of code without personal values.

This package refuses: bodies, documents and batches over published limits, before work is done for them;
mutations by GET, multipart uploads and the retired protocol ``graphql-ws``; pages that load files from other
servers.

Alternatives that were rejected: a larger web framework (there are few routes, and validation follows from the
catalogue); Strawberry's own view (it does not answer ``application/graphql-response+json``).

Modules: ``application`` (all routes), ``graphql`` (GraphQL over HTTP and WebSocket), ``tracking_endpoint``
(Segment's HTTP API), ``package_endpoint``, ``acknowledgement_endpoint``, ``drp`` and ``opendsr`` (authorised
agents and controllers), ``bearer_token`` and ``request_body`` (reading requests),
``error_mask``, ``error_response`` and ``error_trace`` (writing errors).
"""
