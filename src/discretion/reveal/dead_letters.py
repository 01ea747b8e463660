"""Opening a refused message, for the one reason there is: to send it again.

Nobody is shown what is in it, so no disclosure is recorded. Only ``domain.letters.replay`` may import this
module; an import contract says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.errors import Broken
from discretion.seal.daily_keys import DayKeys
from discretion.seal.dead_letter import bound
from discretion.seal.open import open_letter
from discretion.seal.redacted import Shut


def opened(keys: DayKeys, letter: Mapping[str, Any]) -> Shut[dict[str, Any]]:
    """The message in a stored letter.

    Raises:
        Broken: ``KEY_DESTROYED``, the key of its day is gone; ``SEAL_BROKEN``, it was altered.
    """
    received = letter["received"]
    key = keys.to_open(received)
    if key is None:
        raise Broken("KEY_DESTROYED", "The key of this letter's day has been destroyed.")
    return Shut(open_letter(key, bound(letter["_id"], letter["source"], received), letter["sealed"]))
