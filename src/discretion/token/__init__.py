"""Access tokens: who is calling, and the most they may do.

An access token (RFC 9068) is verified once and becomes a ``Grant``: client, subject, scopes, purposes,
categories and expiry. No other package sees the token itself.

The verification is stricter than a JWT library: algorithms are fixed by the key; ``typ`` and every claim are
required, each with its type; duplicate members, embedded or remote keys and ``crit`` are refused. A token can
only narrow what the catalogue allows, never widen it.

Rejected alternatives: opaque tokens that are looked up per request (a database round trip before every
response, and partners cannot check them); PyJWT by itself (it accepts malformed keys and signatures, and
tokens that never expire); roles (a role says who someone is, not what data are used for).

- ``grant``: what a verified token allows
- ``token_syntax``, ``verify``: verification
- ``keys``: signing and verifying keys
- ``key_schedule``, ``key_command``: when each signing key is in use, and the command ``discretion keys``
- ``issue``, ``command``: issuing tokens, and the command ``discretion token``
"""
