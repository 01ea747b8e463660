"""Strings as they are published, and a hand to write others with."""

from __future__ import annotations

from collections.abc import Sequence

from discretion.law.signals.bit_reader import LETTERS

SILENT_TCF = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
"""IAB Tech Lab, "Global Privacy Platform String", examples: nothing is consented to."""

VENDOR_TCF = (
    "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAA"
    "AGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw"
)
"""IAB Europe, "Consent string and vendor list formats v2": an example. Purposes 1 to 3, some vendors."""

CALIFORNIA = {
    "not applicable": "DBABBg~BAAAAACA",
    "with the browser's word": "DBABBg~BVqqqqpY.YA",
}
"""By another hand: tests of the Rust library iab_gpp 0.1.2."""

NATIONAL = "DBABLA~BVVVVVVVVWA.YA"
"""From there too: the national section's first version, everything opted out of, and the browser says so."""

VIRGINIA = "DBABRg~BVVVVWY"
CONNECTICUT = "DBABVg~BVVVVVVg"


def letters(bits: str) -> str:
    """Bits as base64url letters, filled up with zeros."""
    padded = bits + "0" * (-len(bits) % 6)
    return "".join(LETTERS[int(padded[at : at + 6], 2)] for at in range(0, len(padded), 6))


def fibonacci(number: int) -> str:
    """A number as the sum of Fibonacci numbers, greedily, and a set bit at the end."""
    row = [1, 2]
    while row[-1] <= number:
        row.append(row[-1] + row[-2])
    code = ""
    for one in reversed([one for one in row if one <= number]):
        code = ("1" if one <= number else "0") + code
        number -= one if one <= number else 0
    return code + "1"


def header(ids: Sequence[int]) -> str:
    """The header for sections, each on its own."""
    rising = sorted(ids)
    steps = [one - before for before, one in zip([0, *rising], rising, strict=False)]
    return letters(f"{3:06b}{1:06b}{len(ids):012b}" + "".join("0" + fibonacci(step) for step in steps))


def tc_string(consents: Sequence[int], updated: int = 16_504_920_000) -> str:
    """A TC string with these purposes; ``updated`` in tenths of a second since 1970."""
    purposes = "".join("1" if one in consents else "0" for one in range(1, 25))
    head = f"{2:06b}{updated:036b}{updated:036b}{31:012b}{1:012b}{1:06b}{4:06b}{13:06b}{126:012b}{4:06b}"
    return letters(head + "10" + "0" * 12 + purposes + "0" * 24 + "0" + f"{3:06b}{4:06b}" + "0" * 46)
