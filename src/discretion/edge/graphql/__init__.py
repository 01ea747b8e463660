"""GraphQL over HTTP and WebSocket: parse, limit, validate, execute and answer operations.

Modules in the order in which a request passes them: ``http_protocol`` or ``websocket`` (transport),
``media_types``, ``document_cache`` (parsing, cost, validation), ``operation_runner`` (planning,
disclosure), ``plan_executor`` (execution). ``schema_builder`` assembles the schema, ``schema_files`` prints
it, ``explorer`` serves GraphiQL, ``internal_client`` runs the platform's own queries.
"""
