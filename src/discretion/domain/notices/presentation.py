"""The notice for somebody: of a jurisdiction, in the closest language there is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from discretion.catalogue.model import Catalogue
from discretion.domain.notices.facts import facts
from discretion.domain.notices.load import Stationery
from discretion.domain.notices.notice import Notice, notice
from discretion.errors import BadRequest
from discretion.law.jurisdiction import Jurisdiction


class Present:
    """Makes notices. ``clock`` gives ms since 1970: a notice says what the law says today."""

    def __init__(
        self,
        catalogue: Catalogue,
        stationery: Stationery,
        laws: Mapping[str, Jurisdiction],
        clock: Callable[[], int],
    ) -> None:
        self._facts = facts(catalogue)
        self._stationery = stationery
        self._laws = laws
        self._clock = clock
        self._last: dict[tuple[str, str], Notice] = {}

    def notice(self, jurisdiction: str, language: str) -> Notice:
        """The notice for a jurisdiction's key and a language tag (BCP 47).

        Raises:
            BadRequest: ``NOTICE_JURISDICTION_UNKNOWN`` or ``NOTICE_LANGUAGE_UNKNOWN``; the advice names
                those there are.
        """
        law = self._laws.get(jurisdiction)
        if law is None:
            raise BadRequest(
                "NOTICE_JURISDICTION_UNKNOWN",
                "There is no notice for this jurisdiction.",
                f"There are {', '.join(sorted(self._laws))}.",
            )
        wordings = self._stationery.wordings
        spoken = closest(language, wordings)
        if spoken is None:
            raise BadRequest(
                "NOTICE_LANGUAGE_UNKNOWN",
                "There is no notice in this language.",
                f"There are {', '.join(sorted(wordings))}.",
            )
        edition, office = self._stationery.editions[-1], self._stationery.office
        made = notice(self._facts, office, law, wordings[spoken], edition, self._clock())
        known = self._last.get((jurisdiction, spoken))
        if known is None or known.sections != made.sections:  # else its text and digest are at hand
            known = self._last[jurisdiction, spoken] = made
        return known


def closest(tag: str, known: Collection[str]) -> str | None:
    """The language that serves a tag: ``de-AT`` is served by ``de`` (RFC 4647, section 3.4, lookup)."""
    folded = {one.casefold(): one for one in known}
    steps = tag.casefold().replace("_", "-").split("-")
    while steps:
        if found := folded.get("-".join(steps)):
            return found
        steps.pop()
        if steps and len(steps[-1]) == 1:  # what a singleton introduces went with it
            steps.pop()
    return None
