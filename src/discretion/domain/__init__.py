"""What people come for, by the nouns of the business.

Each package has one grammar: ``model.py`` for its frozen values, one file per verb,
``collection.py`` for what is stored, ``api.py`` for its GraphQL types. Resolvers are short and
can only go through the gate below; the spine knows nothing of what stands here.

Refuses: a file called service or manager, a second way to read a customer, a circle among
neighbours.

Considered and dropped: folders by layer (to understand one right you would visit ten rooms);
GraphQL types in a tree of their own (two places to keep in step for every change).
"""
