"""Privacy signals of browsers, apps and consent managers: GPC, GPP and TCF. Pure.

``read_signals.py`` is the entry point: it reads everything that one message carries. ``gpc``, ``gpp`` and
``tcf`` read one format each; ``section_layouts`` and ``bit_reader`` decode the strings; ``model`` and
``load`` map signals to the catalogue's purposes.

No input raises. A string that cannot be read becomes an ``UnreadableSignal`` with a reason; it neither grants
nor refuses anything.
"""
