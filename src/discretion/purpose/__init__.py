"""The purpose decision: grant, catalogue and the person's choices -> may a value be revealed, and how. Pure.

Purposes form a union: any purpose that the token holds, the catalogue declares and the person permits
justifies a disclosure. Restrictions form an intersection: the token's categories, and ``@purpose``. Without a
justification the answer is no. What a person permits is one integer with one bit per purpose, so checking it
costs one bitwise AND.

There is no default: what nobody configured is a ``Gap``, a third answer that is treated as a denial and
reported as a fault of the platform.

Alternatives that were rejected: permission classes on fields (they run after the fetch, once per object, and
a field that is reached in another way is not checked); a policy engine in another process (a round trip per
request, and two places to read); booleans (a denial without its reason cannot be explained).

Modules, in reading order: ``decision`` (the answer), ``decide`` (grant and catalogue), ``statements`` (what a
person said, and what of it counts), ``permissions`` (what a person permits under their laws),
``permission_engine`` (present and future permissions), ``equivalence`` (why most people need no computation),
``rule_set`` (the rules of a process as one value, and how two sets differ).
"""
