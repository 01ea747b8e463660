"""Builds the objects of a platform; nothing is started and nothing is read but keys and configuration.

Reading order: ``context`` (what every builder takes), ``platform`` (the order of building), one module for
each package of the domain (``consent``, ``identity``, ``ingest``, ``erasure``, ``recipients``, ``access``,
``workflows``, ``requests``, ``subject_rights``, ``agents``), then ``disclosure``, ``tokens``, ``resolvers``,
``endpoints``.
"""
