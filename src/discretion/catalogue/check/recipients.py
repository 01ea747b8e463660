"""Cross checks of recipients of personal data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.parsed_file import ParsedCatalogue
from discretion.catalogue.problem import ConfigurationProblem

_COUNTRY_CODE = re.compile(r"[A-Z]{2}")


def check_recipients(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report recipients with an undeclared or missing purpose, a shared client or an invalid country code."""
    declared_purposes, recipient_keys = (
        parsed_catalogue.declared_names("purposes"),
        parsed_catalogue.declared_names("recipients"),
    )
    recipient_by_client: dict[str, str] = {}
    for parsed_file, key, recipient in parsed_catalogue.iterate_entries("recipients"):
        place = ("recipients", key)
        for index, client in enumerate(recipient.clients):
            if (
                other_recipient := client
                if client in recipient_keys
                else recipient_by_client.setdefault(client, key)
            ) != key:
                fault = f"the client {client!r} already belongs to {other_recipient}"
                yield parsed_file.file.build_problem(
                    (*place, "clients", index), fault, "A client belongs to one recipient."
                )
        if not recipient.purposes:
            advice = "Name what they receive data for, or remove them (GDPR Art. 5(1)(b))."
            yield parsed_file.file.build_problem(
                (*place, "purposes"), f"{key} receives data for no purpose", advice
            )
        for index, purpose in enumerate(recipient.purposes):
            purpose_place = (*place, "purposes", index)
            if purpose not in declared_purposes:
                fault = f"{purpose!r} is not a purpose of this catalogue"
                yield parsed_file.file.build_problem(
                    purpose_place, fault, suggest_name(purpose, declared_purposes)
                )
            elif purpose in recipient.purposes[:index]:
                yield parsed_file.file.build_problem(
                    purpose_place, f"{key} lists {purpose!r} twice", "List each purpose once."
                )
        for country in recipient.transfers:
            if not _COUNTRY_CODE.fullmatch(country):
                fault = f"{country!r} is not a country code"
                advice = "It takes two letters of ISO 3166-1, such as US."
                yield parsed_file.file.build_problem((*place, "transfers", country), fault, advice)
