"""The catalogue: which personal data exist, and for which purposes each may be used.

One YAML entry in ``schema/catalogue`` declares an attribute. Its GraphQL type, validation, inventory,
retention and permitted purposes are all derived from that entry, so the published promises and the behaviour
cannot diverge. The vocabulary is Fideslang's: data categories, and data uses as a tree of purposes.

A catalogue file is refused if it has an unknown key, an undeclared name or a category outside the taxonomy.
The message gives file, line and a correction. There is no purpose "other", and every attribute has at least
one use.

Alternatives that were considered and rejected: rules as code beside each resolver (nobody can read all of
them at once); a vocabulary made for this project (auditors know Fideslang); categories stored in the database
(a change of purpose needs a review and a version).

Modules in reading order: ``model`` (the catalogue as values), ``entry`` (the format of the files), ``load``
(files to values), ``yaml_file`` and ``parsed_file`` (reading and validating), ``check`` (cross checks),
``attribute_register`` (which attribute each number names), ``reserved_source`` (names that no source may
have), ``duration`` and ``retention_cut_off`` (how long values are kept), ``taxonomy`` (Fideslang's keys).
"""
