"""Cross checks of who receives data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.parsed_file import Whole
from discretion.catalogue.problem import Problem

_COUNTRY = re.compile(r"[A-Z]{2}")


def received(whole: Whole) -> Iterator[Problem]:
    """A recipient has purposes, all of them the catalogue's, and its countries are written as codes."""
    known, keys = whole.names("purposes"), whole.names("recipients")
    of: dict[str, str] = {}
    for part, key, recipient in whole.each("recipients"):
        at = ("recipients", key)
        for index, client in enumerate(recipient.clients):
            if (other := client if client in keys else of.setdefault(client, key)) != key:
                wrong = f"the client {client!r} is {other} already"
                yield part.file.problem((*at, "clients", index), wrong, "A client is one recipient.")
        if not recipient.purposes:
            right = "Name what they receive data for, or take them out (GDPR Art. 5(1)(b))."
            yield part.file.problem((*at, "purposes"), f"{key} receives data for no purpose", right)
        for index, purpose in enumerate(recipient.purposes):
            here = (*at, "purposes", index)
            if purpose not in known:
                wrong = f"{purpose!r} is not a purpose of this catalogue"
                yield part.file.problem(here, wrong, nearest(purpose, known))
            elif purpose in recipient.purposes[:index]:
                yield part.file.problem(here, f"{key} names {purpose!r} twice", "Name each purpose once.")
        for country in recipient.transfers:
            if not _COUNTRY.fullmatch(country):
                wrong = f"{country!r} is no country code"
                right = "It takes two letters of ISO 3166-1, such as US."
                yield part.file.problem((*at, "transfers", country), wrong, right)
