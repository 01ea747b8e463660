"""Published signal strings, and encoders for others."""

from __future__ import annotations

from collections.abc import Sequence

from discretion.law.signals.bit_reader import BASE64URL_ALPHABET

SILENT_TCF = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
"""IAB Tech Lab, "Global Privacy Platform String", examples: no purpose has consent."""

VENDOR_TCF = (
    "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAA"
    "AGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw"
)
"""IAB Europe, "Consent string and vendor list formats v2": an example. Purposes 1 to 3, some vendors."""

CALIFORNIA = {
    "not applicable": "DBABBg~BAAAAACA",
    "with GPC": "DBABBg~BVqqqqpY.YA",
}
"""By another encoder: tests of the Rust library iab_gpp 0.1.2."""

NATIONAL = "DBABLA~BVVVVVVVVWA.YA"
"""From the same tests: version 1 of the national section, opted out of everything, with GPC."""

VIRGINIA = "DBABRg~BVVVVWY"
CONNECTICUT = "DBABVg~BVVVVVVg"


def encode_base64url(bits: str) -> str:
    """Encode bits as base64url, padded with zeros."""
    padded = bits + "0" * (-len(bits) % 6)
    return "".join(
        BASE64URL_ALPHABET[int(padded[index : index + 6], 2)] for index in range(0, len(padded), 6)
    )


def encode_fibonacci(number: int) -> str:
    """Encode a number as a sum of Fibonacci numbers, found greedily, with a set bit at the end."""
    sequence = [1, 2]
    while sequence[-1] <= number:
        sequence.append(sequence[-1] + sequence[-2])
    code = ""
    for term in reversed([term for term in sequence if term <= number]):
        code = ("1" if term <= number else "0") + code
        number -= term if term <= number else 0
    return code + "1"


def encode_header(ids: Sequence[int]) -> str:
    """Encode the header for sections, each listed by itself."""
    sorted_ids = sorted(ids)
    steps = [
        section_id - previous_id
        for previous_id, section_id in zip([0, *sorted_ids], sorted_ids, strict=False)
    ]
    return encode_base64url(
        f"{3:06b}{1:06b}{len(ids):012b}" + "".join("0" + encode_fibonacci(step) for step in steps)
    )


def encode_tc_string(consents: Sequence[int], updated: int = 16_504_920_000) -> str:
    """Encode a TC string with these purposes; ``updated`` is in tenths of a second since 1970."""
    purposes = "".join("1" if purpose in consents else "0" for purpose in range(1, 25))
    head = f"{2:06b}{updated:036b}{updated:036b}{31:012b}{1:012b}{1:06b}{4:06b}{13:06b}{126:012b}{4:06b}"
    return encode_base64url(head + "10" + "0" * 12 + purposes + "0" * 24 + "0" + f"{3:06b}{4:06b}" + "0" * 46)
