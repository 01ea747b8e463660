"""Violations of the tracking plan: what sources send that the catalogue declares not or otherwise.

They name events and properties, so that somebody can mend the catalogue or the sender, and never a value.
Names of undeclared events and properties are chosen by whoever sends, so they are hostile input, and may even
be personal data.

Reading order:
    1. ``showable_name``, ``value_shape``: what of a sent name and of a value may be stored at all
    2. ``plan_violation``: the violations of one message
    3. ``violation_recorder``: they are counted by source and day, and written every few seconds
    4. ``counted_violations``, ``api``: the field ``trackingPlanViolations``
"""
