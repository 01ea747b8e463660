"""Renders the notice for a jurisdiction in the closest available language."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from discretion.catalogue.model import Catalogue
from discretion.domain.notices.facts import collect_facts
from discretion.domain.notices.load import NoticeTemplates
from discretion.domain.notices.notice import RenderedNotice, build_notice
from discretion.errors import BadRequest
from discretion.law.jurisdiction import Jurisdiction


class NoticePresenter:
    """Renders notices; ``clock`` gives ms since 1970, because a notice states the law of the current day."""

    def __init__(
        self,
        catalogue: Catalogue,
        templates: NoticeTemplates,
        jurisdictions: Mapping[str, Jurisdiction],
        clock: Callable[[], int],
    ) -> None:
        self._facts = collect_facts(catalogue)
        self._templates = templates
        self._jurisdictions = jurisdictions
        self._clock = clock
        self._last_notices: dict[tuple[str, str], RenderedNotice] = {}

    @property
    def version(self) -> str:
        """The edition that is shown."""
        return self._templates.editions[-1].version

    @property
    def languages(self) -> Collection[str]:
        """The languages that notices are written in."""
        return self._templates.wordings.keys()

    def render_notice(self, jurisdiction: str, language: str) -> RenderedNotice:
        """Return the notice for a jurisdiction's key and a language tag (BCP 47).

        Raises:
            BadRequest: ``NOTICE_JURISDICTION_UNKNOWN`` or ``NOTICE_LANGUAGE_UNKNOWN``; the advice names the
                available ones.
        """
        law = self._jurisdictions.get(jurisdiction)
        if law is None:
            raise BadRequest(
                "NOTICE_JURISDICTION_UNKNOWN",
                "There is no notice for this jurisdiction.",
                f"There are {', '.join(sorted(self._jurisdictions))}.",
            )
        wordings = self._templates.wordings
        language_tag = find_closest_language(language, wordings)
        if language_tag is None:
            raise BadRequest(
                "NOTICE_LANGUAGE_UNKNOWN",
                "There is no notice in this language.",
                f"There are {', '.join(sorted(wordings))}.",
            )
        edition, office = self._templates.editions[-1], self._templates.office
        built_notice = build_notice(self._facts, office, law, wordings[language_tag], edition, self._clock())
        cached_notice = self._last_notices.get((jurisdiction, language_tag))
        # Sections are built at each request, because the law depends on the day. Text and digest are
        # cached with the notice and computed only after a change.
        if cached_notice is None or cached_notice.sections != built_notice.sections:
            cached_notice = self._last_notices[jurisdiction, language_tag] = built_notice
        return cached_notice


def find_closest_language(tag: str, languages: Collection[str]) -> str | None:
    """Return the language for a tag: ``de-AT`` is served by ``de`` (RFC 4647, section 3.4, lookup)."""
    language_by_folded_tag = {language.casefold(): language for language in languages}
    steps = tag.casefold().replace("_", "-").split("-")
    while steps:
        if matching_language := language_by_folded_tag.get("-".join(steps)):
            return matching_language
        steps.pop()
        if steps and len(steps[-1]) == 1:  # RFC 4647: a singleton is removed with its extension.
            steps.pop()
    return None
