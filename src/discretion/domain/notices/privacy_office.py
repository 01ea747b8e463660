"""Who answers for the data, how to reach them, and what protects the data in their house."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import Field

from discretion.catalogue.entry import Entry, Text
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import File
from discretion.domain.notices.yaml_file import shape


@dataclass(frozen=True, slots=True)
class Named:
    """Something the record of processing activities names; ``dpv`` is its term in the DPV."""

    text: str
    dpv: str


@dataclass(frozen=True, slots=True)
class Listing:
    """How authorised agents find the business (Data Rights Protocol 1.0, 3.05.2).

    ``id`` is its id in their directory; ``technical`` and ``contact`` are mailboxes.
    """

    id: str
    web: str
    technical: str
    contact: str
    logo: str | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """The controller's office (GDPR Art. 13(1)(a), (b) and 30(1)(a), (c), (g)).

    ``storage`` says where the data are kept, ``withdrawal`` and ``rights`` are web addresses where a consent
    is taken back and where every other right is exercised; ``authority`` is whom to complain to.
    """

    address: str
    email: str
    officer: str
    storage: str
    withdrawal: str
    rights: str
    authority: str
    subjects: Mapping[str, Named]
    measures: Mapping[str, Named]
    listing: Listing | None = None


class NamedEntry(Entry):
    """A kind of people, or a measure."""

    text: Text = Field(description="what it is, in a sentence")
    dpv: Text = Field(pattern=r"^[A-Z][A-Za-z]+$", description="a term of https://w3id.org/dpv")


class ListingEntry(Entry):
    """``agents``: how authorised agents find the business (Data Rights Protocol 1.0)."""

    id: Text = Field(pattern=r"^[A-Z_]{1,64}$", description="its id in the directory of businesses")
    web: Text = Field(pattern=r"^https://", description="its home page")
    technical: Text = Field(description="a mailbox for questions about the interface")
    contact: Text = Field(description="a mailbox for questions about requests")
    logo: Text | None = Field(default=None, pattern=r"^https://", description="a square picture of its logo")


class OfficeFile(Entry):
    """``controller.yaml``."""

    address: Text = Field(description="name and postal address of the controller")
    email: Text = Field(description="where people write to about their data")
    officer: Text = Field(description="the data protection officer, and how to reach them")
    storage: Text = Field(description="where the data are kept, such as European Union")
    withdrawal: Text = Field(description="the web address where a consent is taken back")
    rights: Text = Field(description="the web address where rights are exercised")
    authority: Text = Field(description="the supervisory authority that complaints go to")
    subjects: dict[Text, NamedEntry] = Field(min_length=1, description="whose data they are")
    measures: dict[Text, NamedEntry] = Field(min_length=1, description="what protects the data")
    agents: ListingEntry | None = Field(
        default=None, description="how authorised agents find the business; without it they cannot file"
    )


_SAID_WITH_CONSENT = ("storage", "withdrawal", "rights", "authority")
"""What a consent record has (ISO/IEC TS 27560:2023, 6.3.4) beside the address."""


def office(file: File) -> tuple[Office | None, list[Problem]]:
    """The office that a file describes."""
    found, problems = shape(file, OfficeFile)
    if found is None:
        return None, problems
    return Office(
        **{one: getattr(found, one) for one in ("address", "email", "officer", *_SAID_WITH_CONSENT)},
        subjects=_named(found.subjects),
        measures=_named(found.measures),
        listing=None if found.agents is None else Listing(**found.agents.model_dump()),
    ), []


def _named(entries: Mapping[str, NamedEntry]) -> Mapping[str, Named]:
    return MappingProxyType({key: Named(one.text, one.dpv) for key, one in entries.items()})
