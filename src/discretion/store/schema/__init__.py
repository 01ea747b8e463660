"""Every collection as data: its validator, its indexes, and what personal data it may hold.

Modules: ``declaration`` (how a collection is declared, and the short keys in embedded documents),
``profiles``, ``agents``, ``erasure``, ``recipients`` and ``requests`` (groups of collections),
``collections`` (all of them), ``apply`` (bringing a database to this state), ``migrate`` (moving a database
of an earlier version forward). The comments beside a collection explain its keys.
"""
