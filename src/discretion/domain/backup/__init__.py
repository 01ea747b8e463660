"""Backup and restore: dumps of the database, and the erasures that are replayed after a restore.

- ``dump``: writes and checks a dump
- ``restore``: loads a dump, renews keys and replays erasures
- ``lost_erasures``: what shows that the erasure ledger lacks erasures
- ``erasure_replay``: deletes erased people from a restored database
- ``command``: the commands ``discretion backup`` and ``discretion restore``
"""
