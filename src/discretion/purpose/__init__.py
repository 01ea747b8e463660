"""May it be revealed: grant x catalogue x the person's state -> decision. Pure.

Purposes unite: any one that the token holds, the catalogue declares and the person permits
justifies a reveal. Restrictions intersect: categories, ``@purpose``. Absence denies. What a
person permits is one integer with a bit per purpose, so asking them costs one AND.

Refuses: to guess. What nobody configured is a ``Gap``, a third answer that is treated as a
denial and reported as a fault of ours.

Considered and dropped: permission classes on fields (they run after the fetch, once per object,
and a field reached by another way goes unasked); a policy engine beside the process (a trip per
request, and two places to look); booleans (a denial without its reason cannot be explained).
"""
