"""Which privacy notices exist: a statement can name only a text that people may have been shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from discretion.domain.notices.presentation import NoticePresenter, find_closest_language
from discretion.domain.notices.text_digests import TextDigests
from discretion.store.consent_event import NoticeReference

REFRESH_MS = 3_600_000
"""How long the texts of the present are remembered; laws change at midnights, which are whole hours."""

UNKNOWN_NOTICE_ADVICE = (
    "Name one that people are shown: privacyNotice(jurisdiction:, language:) answers version, language and "
    "sha256."
)


class NoticeRegister:
    """The texts of all editions, by version, language and digest.

    Texts that were stored when an edition was printed, and those that ``presenter`` shows at present: an
    installation may change its catalogue or a wording without printing them.
    """

    def __init__(
        self,
        presenter: NoticePresenter,
        printed: Mapping[str, TextDigests],
        jurisdictions: Collection[str],
        clock: Callable[[], int],
    ) -> None:
        self._presenter = presenter
        self._printed = printed
        self._jurisdictions = jurisdictions
        self._clock = clock
        self._present: dict[str, tuple[int, frozenset[str]]] = {}

    def is_known(self, reference: NoticeReference) -> bool:
        """Return whether an edition has this text in this language; ``de-AT`` is served by ``de``."""
        digests_by_language = self._printed.get(reference.version)
        if digests_by_language is None:
            return False
        language = find_closest_language(reference.language, digests_by_language)
        if language is not None and reference.sha256 in digests_by_language[language]:
            return True
        return reference.version == self._presenter.version and self._is_shown_now(reference)

    def _is_shown_now(self, reference: NoticeReference) -> bool:
        language = find_closest_language(reference.language, self._presenter.languages)
        if language is None:
            return False
        hour = self._clock() // REFRESH_MS
        remembered = self._present.get(language)
        if remembered is None or remembered[0] != hour:
            notices = [self._presenter.render_notice(key, language) for key in self._jurisdictions]
            remembered = self._present[language] = hour, frozenset(notice.sha256 for notice in notices)
        return reference.sha256 in remembered[1]
