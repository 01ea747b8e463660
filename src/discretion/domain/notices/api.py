"""``privacyNotice``: the privacy notice in GraphQL. Public, without a token (GDPR Art. 12, 13 and 14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.field import build_field
from discretion.domain.notices.notice import RenderedItem, RenderedNotice, RenderedSection
from discretion.domain.notices.presentation import NoticePresenter


@strawberry.type(description="One thing said of an item of a privacy notice.")
class NoticeLine:
    """One named statement about an item."""

    name: str
    text: str


@strawberry.type(description="Something that a section of a privacy notice lists.")
class NoticeItem:
    """One item that a section lists."""

    key: str = strawberry.field(
        description="Its name in the catalogue or the law, the same in all languages."
    )
    title: str
    text: str
    lines: list[NoticeLine]


@strawberry.type(description="A part of a privacy notice.")
class NoticeSection:
    """One section of a notice."""

    key: str = strawberry.field(description="Such as `purposes` or `rights`, the same in all languages.")
    title: str
    paragraphs: list[str]
    items: list[NoticeItem]


@strawberry.type(
    description="What people of a jurisdiction are told about their data, made from the catalogue."
)
class PrivacyNotice:
    """A privacy notice for one jurisdiction in one language."""

    version: str = strawberry.field(description="The edition it is.")
    effective_from: str = strawberry.field(description="The first day of the edition; an ISO 8601 date.")
    jurisdiction: str
    language: str = strawberry.field(description="The language it is in; BCP 47.")
    title: str
    sha256: str = strawberry.field(description="Digest of `text` in UTF-8; receipts of consent name it.")
    text: str = strawberry.field(description="All of it, as Markdown.")
    sections: list[NoticeSection]


def build_notice_field(provide: Callable[[], NoticePresenter]) -> StrawberryField:
    """Build the public query field ``privacyNotice``."""

    def privacy_notice(
        root: object,
        jurisdiction: Annotated[
            str, strawberry.argument(description="Whose law protects the reader, such as `eu` or `us-ca`.")
        ],
        language: Annotated[
            str, strawberry.argument(description="Such as `de`; `de-AT` is served by `de`. BCP 47.")
        ],
    ) -> PrivacyNotice:
        del root
        return _build_privacy_notice(provide().render_notice(jurisdiction, language))

    description = "What people of a jurisdiction are told about their data: the privacy notice in force."
    return build_field(privacy_notice, "privacyNotice", PrivacyNotice, description)


def _build_privacy_notice(rendered: RenderedNotice) -> PrivacyNotice:
    return PrivacyNotice(
        version=rendered.version,
        effective_from=rendered.since,
        jurisdiction=rendered.jurisdiction,
        language=rendered.language,
        title=rendered.title,
        sha256=rendered.sha256,
        text=rendered.text,
        sections=[_build_notice_section(section) for section in rendered.sections],
    )


def _build_notice_section(rendered: RenderedSection) -> NoticeSection:
    items = [_build_notice_item(item) for item in rendered.items]
    return NoticeSection(
        key=rendered.key, title=rendered.title, paragraphs=list(rendered.paragraphs), items=items
    )


def _build_notice_item(rendered: RenderedItem) -> NoticeItem:
    lines = [NoticeLine(name=line.name, text=line.text) for line in rendered.lines]
    return NoticeItem(key=rendered.key, title=rendered.title, text=rendered.text, lines=lines)
