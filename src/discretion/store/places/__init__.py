"""The map of places: everything that may hold data of a person, and how the person leaves it.

``collection_places``, ``memory_places`` and ``file_places`` are one table in three modules; ``place_map``
joins them. Nothing else in the code has a list of places: the erasure and the replay of erasures after a
restore (``eraser``), the dry run, the verification (``search``) and the restore itself read this table.

To add a place, add its entry here, and plant a person in it in ``tests/store/places``. The tests fail for a
collection, an index, a cache or a file that is missing here, and for an entry without such a plant.
"""
