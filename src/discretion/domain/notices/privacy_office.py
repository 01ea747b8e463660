"""The controller's privacy office: its contacts, the data subjects and the security measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import Field

from discretion.catalogue.entry_base import Entry, Text
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import YamlFile
from discretion.domain.notices.yaml_file import parse_yaml_file


@dataclass(frozen=True, slots=True)
class DescribedTerm:
    """A category of data subjects or a security measure; ``dpv`` is its term in the DPV."""

    text: str
    dpv: str


@dataclass(frozen=True, slots=True)
class AgentDirectoryListing:
    """The business's entry for authorised agents (Data Rights Protocol 1.0, 3.05.2).

    ``id`` is its id in the directory; ``technical`` and ``contact`` are e-mail addresses.
    """

    id: str
    web: str
    technical: str
    contact: str
    logo: str | None = None


@dataclass(frozen=True, slots=True)
class PrivacyOffice:
    """The controller's office (GDPR Art. 13(1)(a), (b) and 30(1)(a), (c), (g)).

    Attributes:
        storage: Where the data are stored.
        withdrawal: The web address where a consent is withdrawn.
        rights: The web address where all other rights are exercised.
        authority: The supervisory authority for complaints.
        subjects: Categories of data subjects by key.
        measures: Security measures by key.
        listing: The entry for authorised agents; None if they cannot file requests.
    """

    address: str
    email: str
    officer: str
    storage: str
    withdrawal: str
    rights: str
    authority: str
    subjects: Mapping[str, DescribedTerm]
    measures: Mapping[str, DescribedTerm]
    listing: AgentDirectoryListing | None = None


class NamedEntry(Entry):
    """A category of data subjects, or a security measure."""

    text: Text = Field(description="what it is, in a sentence")
    dpv: Text = Field(pattern=r"^[A-Z][A-Za-z]+$", description="a term of https://w3id.org/dpv")


class ListingEntry(Entry):
    """``agents``: the business's entry for authorised agents (Data Rights Protocol 1.0)."""

    id: Text = Field(pattern=r"^[A-Z_]{1,64}$", description="its id in the directory of businesses")
    web: Text = Field(pattern=r"^https://", description="its home page")
    technical: Text = Field(description="an e-mail address for questions about the interface")
    contact: Text = Field(description="an e-mail address for questions about requests")
    logo: Text | None = Field(default=None, pattern=r"^https://", description="a square picture of its logo")


class OfficeFile(Entry):
    """``controller.yaml``: the controller's privacy office."""

    address: Text = Field(description="name and postal address of the controller")
    email: Text = Field(description="e-mail address for questions about personal data")
    officer: Text = Field(description="the data protection officer, and how to reach them")
    storage: Text = Field(description="where the data are stored, such as European Union")
    withdrawal: Text = Field(description="the web address where a consent is withdrawn")
    rights: Text = Field(description="the web address where rights are exercised")
    authority: Text = Field(description="the supervisory authority that complaints go to")
    subjects: dict[Text, NamedEntry] = Field(min_length=1, description="categories of data subjects")
    measures: dict[Text, NamedEntry] = Field(min_length=1, description="security measures")
    agents: ListingEntry | None = Field(
        default=None, description="entry for authorised agents; without it they cannot file requests"
    )


_CONSENT_RECORD_FIELDS = ("storage", "withdrawal", "rights", "authority")
"""Fields that a consent record has (ISO/IEC TS 27560:2023, 6.3.4) in addition to the address."""


def parse_office(file: YamlFile) -> tuple[PrivacyOffice | None, list[ConfigurationProblem]]:
    """Parse the privacy office; None and the problems if the file has the wrong shape."""
    office_file, problems = parse_yaml_file(file, OfficeFile)
    if office_file is None:
        return None, problems
    return PrivacyOffice(
        **{
            field_name: getattr(office_file, field_name)
            for field_name in ("address", "email", "officer", *_CONSENT_RECORD_FIELDS)
        },
        subjects=_build_terms(office_file.subjects),
        measures=_build_terms(office_file.measures),
        listing=None
        if office_file.agents is None
        else AgentDirectoryListing(**office_file.agents.model_dump()),
    ), []


def _build_terms(entries: Mapping[str, NamedEntry]) -> Mapping[str, DescribedTerm]:
    return MappingProxyType({key: DescribedTerm(entry.text, entry.dpv) for key, entry in entries.items()})
