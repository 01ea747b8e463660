"""The steps that make a package: ``gather`` reads it all out, ``ready`` clears away what other attempts left.

Reading goes through the conductor as every read does, as the person's own: it is on the ledger, and a package
without its receipt is never ready. An attempt that is cut off is begun anew, so that a package shows one
moment, and one that somebody else took over can add nothing: its pages carry its fence.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from discretion.catalogue.model import Catalogue, Form
from discretion.catalogue.retention_cut_off import cut_offs
from discretion.disclose import Conductor
from discretion.domain.access import processing_information as meaning
from discretion.domain.access import profile_sections as profile
from discretion.domain.access.access_limits import limits
from discretion.domain.access.package_page import ROWS, Made, Writing
from discretion.domain.access.package_sections import CATEGORIES, PORTABLE, RECEIVED, WHOLE
from discretion.domain.access.package_subject import Subject
from discretion.domain.access.subject_history import Archive, Rows
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.step_outcome import Done, Later, Outcome
from discretion.domain.notices.privacy_office import Office
from discretion.law.jurisdiction import Lawbook, Right
from discretion.plan.plan import Plan
from discretion.purpose.decide import decide
from discretion.purpose.decision import EVERY_BIT
from discretion.reveal.revealer import Reading
from discretion.seal.bucket_keys import Buckets
from discretion.store.packages import Packages
from discretion.token.grant import SELF, Grant

DAY_MS = 86_400_000
LASTS_MS = 5 * DAY_MS
"""How long a package can be fetched."""

AGAIN_MS = 1_000

CONTENT: Mapping[Right, tuple[str, ...]] = {
    Right.ACCESS: WHOLE,
    Right.PORTABILITY: PORTABLE,
    Right.RECIPIENTS: RECEIVED,
}
"""The sections that answer each right."""

OPERATION = "package"
"""What the ledger calls a package that was made."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gather:
    """Makes packages; what it needs is handed in by ``app``."""

    catalogue: Catalogue
    lawbook: Lawbook
    office: Office
    archive: Archive
    packages: Packages
    conductor: Conductor
    buckets: Buckets = field(repr=False)

    async def __call__(self, document: Document, hold: Hold) -> Outcome:
        """Read everything out; the result names the package."""
        customer = document.get("customer")
        found = None if customer is None else await self.archive.kept.customer(customer)
        if found is None:
            return Done({"found": False})
        here, now = found["_id"], self.conductor.now_ms()
        whose = await self.archive.kept.owns(here)
        request = document["_id"], document["fence"]
        key = self.buckets.unwrap(here, found["key"])
        writing = Writing(self.packages, hold, request, (here, key), now + LASTS_MS, self.conductor.entropy)
        grant = own(document["client"], document["subject"])
        work = partial(self._write, document, found, writing)
        disclosed = await self.conductor.disclose(whole(self.catalogue, grant), grant, OPERATION, work)
        if not whose or await self.archive.kept.owns(here) != whose:
            return Later(AGAIN_MS, "who is one person changed meanwhile")
        package = Made(*request[:1], here, request[1], writing.sections, writing.rows, now, now + LASTS_MS)
        result = {"package": package.told(), "receipt": disclosed.receipt}
        await hold.save({"package": package.document(), "result": result})
        return Done({"found": True, "rows": sum(writing.rows.values())})

    async def ready(self, document: Document, hold: Hold) -> Outcome:
        """Clear away pages of attempts that came to nothing."""
        package = document.get("package")
        await self.packages.clear(document["_id"], None if package is None else package["fence"])
        hold.at("cleared")
        return Done()

    async def _write(
        self, document: Document, found: dict[str, Any], writing: Writing, reading: Reading
    ) -> None:
        subject = await self._subject(document, found, reading)
        parts = document["scope"].get("part") == "categories"
        wanted = CATEGORIES if parts else CONTENT[Right(document["right"])]
        for section in wanted:
            async for rows in self._section(section, subject):
                await writing.add(section, rows)

    async def _subject(self, document: Document, found: dict[str, Any], reading: Reading) -> Subject:
        laws = [self.lawbook.of(key) for key in found["laws"]]
        return Subject(
            catalogue=self.catalogue,
            reading=reading,
            row=reading.rows([found])[0],
            records=await self.archive.kept.records(found["_id"]),
            former=[(one["id"], one["key"]) for one in found["merged"]],
            laws=laws,
            limits=limits(self.catalogue, laws, document["received"]),
            cuts=cut_offs(self.catalogue, reading.now_ms),
            request=document,
            portable=document["right"] == Right.PORTABILITY,
        )

    def _section(self, section: str, subject: Subject) -> AsyncIterator[Rows]:
        paged: Mapping[str, Callable[[Subject], AsyncIterator[Rows]]] = {
            "events": self.archive.events,
            "consents": self.archive.consent,
            "terms": self.archive.terms,
            "identity": self.archive.identity,
            "disclosures": self.archive.disclosures,
            "refused_messages": self.archive.letters,
            "requests": self.archive.asked,
        }
        if section in paged:
            return paged[section](subject)
        return _paged(self._rows(section, subject))

    def _rows(self, section: str, subject: Subject) -> Iterator[dict[str, Any]]:
        doc, now = subject.row.doc, subject.reading.now_ms
        if section == "about":
            return meaning.about(subject, self.office, subject.request["right"], now)
        if section == "purposes":
            return meaning.uses(subject, self.conductor.revealer.standing.bits(doc, now))
        return _PLAIN[section](subject)


_PLAIN: Mapping[str, Callable[[Subject], Iterator[dict[str, Any]]]] = {
    "laws": meaning.laws,
    "categories": meaning.categories,
    "recipients": meaning.recipients,
    "sources": meaning.sources,
    "event_types": meaning.event_types,
    "values": profile.values,
    "told": profile.source_words,
    "identifiers": profile.identifiers,
    "records": profile.records,
    "said": profile.said,
}


def own(client: str, subject: str) -> Grant:
    """A person's own grant, for what the platform reads out on their behalf."""
    return Grant(client, subject, frozenset(), frozenset({SELF}), None, 0, "")


def whole(catalogue: Catalogue, grant: Grant) -> Plan:
    """The plan of reading everything of one person: every attribute, in clear."""
    attributes = tuple(catalogue.attributes.values())
    return Plan(
        attributes=attributes,
        forms=tuple((one.path, Form.CLEAR.value) for one in attributes),
        decisions={
            one.path: decide(catalogue, grant, grant.purposes, one.category, one.uses) for one in attributes
        },
        struck={},
        shapes={},
        projections={},
        reach=EVERY_BIT,
        held=grant.purposes,
        purposes=(SELF,),
        touches_customers=True,
    )


async def _paged(rows: Iterator[dict[str, Any]]) -> AsyncIterator[Rows]:
    for page in profile.chunks(rows, ROWS):
        yield page
