"""Jurisdictions: legal rules as dated data, and the functions that apply them. Pure.

``schema/jurisdictions/*.yaml`` declares what each law requires, since when, and in which article. All results
here depend only on that data and on a moment given by the caller; no module reads a clock, a database or a
customer. Where a place or a rule is unknown, the strictest rule applies.

Modules in reading order: ``model`` (consent rules as values), ``jurisdiction`` (rights, deadlines, retention
duties), ``entry`` (the format of the files), ``load``, ``parse_file``, ``check`` and ``build_jurisdiction``
(files to values), ``in_effect`` and ``strictness`` (which rule applies on a day), ``place_index`` (from a
place to its law), ``local_days``, ``holiday_calendar``, ``deadline`` and ``age`` (counting time),
``retention_duty``, ``command`` and ``terminal``. ``signals`` reads opt-out and consent signals.
"""
