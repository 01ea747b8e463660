"""What personal data exist, and what each may be used for.

One YAML entry declares an attribute; its GraphQL type, validation, inventory, retention and who
may see it follow from that entry, so what is promised to people and what is done cannot drift
apart. The words are Fideslang's: categories of data, and purposes as a tree.

Refuses: a file with an unknown key, a dangling name or a category outside the taxonomy, saying
file, line and what would be right. There is no "other" purpose and no attribute without a use.

Considered and dropped: rules as code beside each resolver (nobody can read them all at once);
a vocabulary of our own (auditors know Fideslang); categories kept in the database (a change
of purpose deserves a review and a version).
"""
