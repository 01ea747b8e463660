"""The privacy notice (GDPR Art. 12 to 14) and the record of processing activities (Art. 30).

Both are generated from the catalogue and the law, so that the published statements match what the platform
does. Only the sentences around the facts are written by hand, in ``schema/notices``. A notice has editions.
The facts of each edition are stored in ``schema/notices/printed``, so that a change of the facts is detected
and needs a new edition.

Modules in reading order: ``facts`` (what the catalogue states), ``wording``, ``editions``, ``privacy_office``
and ``load`` (what is written by hand), ``notice`` and ``presentation`` (the notice), ``snapshot`` and
``compare`` (stored editions), ``text_digests`` and ``notice_register`` (the texts that exist),
``processing_record`` and ``dpv`` (the record of processing activities), ``api``, ``command`` and
``terminal``.
"""
