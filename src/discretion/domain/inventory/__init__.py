"""The inventory of personal data.

``api`` publishes what the catalogue declares (GDPR Art. 13 and 14). ``copies`` lists every place where
personal data may be stored, with what an erasure does to it; tests compare it with the code.
"""
