"""The inventory of personal data: ``api`` publishes what the catalogue declares (GDPR Art. 13 and 14).

Where the data are stored, and how a person leaves each place, is in the map of places (``store.places``).
"""
