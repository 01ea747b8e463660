"""Values whose accuracy the customer contests, for the few who read them. No value is opened."""

from __future__ import annotations

from discretion.plan.customer_members import CONTESTED, PROVENANCE, name_time
from discretion.store.document import MutableDocument


def restore_contested_values(document: MutableDocument) -> None:
    """Copy contested values into the members that have them if the person does not contest them.

    A document has them only if the plan projected them.
    """
    for key, contested in document[CONTESTED].items():
        if "c" in contested:
            document[key] = contested["c"]
        elif "v" in contested:
            document[key], document[name_time(key)] = contested["v"], contested["t"]
        document.setdefault(PROVENANCE, {})[key] = contested["p"]
