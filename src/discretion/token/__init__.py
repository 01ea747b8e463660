"""Who asks, and the most they may ask for.

An access token (RFC 9068) is verified once and becomes a ``Grant``: client, subject, scopes,
purposes, categories, expiry. Nothing behind this package sees the token itself.

Refuses: what a JWT library lets pass and a guard should not. Algorithms are fixed on our side;
``typ`` and every claim are required, each with its type; duplicate members, embedded or remote keys
and ``crit`` are out. A token can only narrow what the catalogue allows, never widen it.

Considered and dropped: opaque tokens looked up per request (a database trip before every
answer, and partners cannot check them); PyJWT by itself (it accepts malformed keys and
signatures, and tokens that never expire); roles (a role says who someone is, not what for).
"""
