"""What a browser, an app or a consent manager says for a person: GPC, GPP and TCF, read. Pure.

``hear.py`` is the door. Nothing here raises on what was sent: text that cannot be read is a value
with a reason, grants nothing and refuses nothing.
"""
