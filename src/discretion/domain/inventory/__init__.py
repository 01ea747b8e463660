"""The inventory of personal data.

- ``api``: publishes what the catalogue declares (GDPR Art. 13 and 14)
- ``place_report``: the map of places (``store.places``) as a table: where data are stored, and how a person
  leaves each place
- ``command``: the command ``discretion inventory``
"""
