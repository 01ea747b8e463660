"""The business features of the platform, one package for each subject of data protection.

A package holds everything about its subject: frozen values, the operations on them, its GraphQL types and
resolvers (``api``), and its command line output (``terminal``). Resolvers are short; they read customers only
through a compiled plan and a ``Reading``. The packages outside ``domain`` (``catalogue``, ``law``,
``purpose``, ``plan``, ``reveal``, ``seal``, ``store`` …) do not import from here.

Reading order:
    1. ``kit``: shared building blocks (GraphQL, durable workflows, outgoing HTTP requests)
    2. ``ingest``, ``profiles``, ``identity``: a message becomes a source record, records become one customer
    3. ``consent``, ``correction``, ``access``, ``erasure``, ``requests``: the rights of the customer
    4. ``retention``, ``legal_retention``, ``backup``: how long data are kept
    5. ``recipients``, ``agents``, ``notices``, ``inventory``: partners, authorised agents, transparency

Rules: no module is called service or manager, packages do not import each other in a cycle, a customer is
read for an answer in one way only, and no package knows the database: they have repositories (``store``).

Rejected alternatives: folders by layer (one right would be spread over ten folders), and a separate tree for
GraphQL types (every change would have to be made in two places).
"""
