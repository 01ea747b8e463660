"""Dead letters: refused messages, kept sealed for 14 days and replayed after a change of the catalogue.

Reading order:
    1. ``retention``: which refused messages are kept, and how they are sealed
    2. ``redaction``: what of a refused message may be stored
    3. ``subject_index``: the blind indexes by which an erasure finds a person's dead letters
    4. ``replay``, ``terminal``: validating and ingesting dead letters again
    5. ``api``: counts by reason and source, for the steward
"""
