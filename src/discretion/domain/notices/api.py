"""``privacyNotice``: what people are told about their data. Public, no token (GDPR Art. 12, 13 and 14)."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.notices.notice import Item, Notice, Section
from discretion.domain.notices.presentation import Present


@strawberry.type(description="One thing said of an item of a privacy notice.")
class NoticeLine:
    """A line of an item."""

    name: str
    text: str


@strawberry.type(description="Something that a section of a privacy notice lists.")
class NoticeItem:
    """An item of a section."""

    key: str = strawberry.field(
        description="Its name in the catalogue or the law, the same in all languages."
    )
    title: str
    text: str
    lines: list[NoticeLine]


@strawberry.type(description="A part of a privacy notice.")
class NoticeSection:
    """A section of a notice."""

    key: str = strawberry.field(description="Such as `purposes` or `rights`, the same in all languages.")
    title: str
    paragraphs: list[str]
    items: list[NoticeItem]


@strawberry.type(
    description="What people of a jurisdiction are told about their data, made from the catalogue."
)
class PrivacyNotice:
    """A privacy notice."""

    version: str = strawberry.field(description="The edition it is.")
    effective_from: str = strawberry.field(description="The first day of the edition; an ISO 8601 date.")
    jurisdiction: str
    language: str = strawberry.field(description="The language it is in; BCP 47.")
    title: str
    sha256: str = strawberry.field(description="Digest of `text` in UTF-8; receipts of consent name it.")
    text: str = strawberry.field(description="All of it, as Markdown.")
    sections: list[NoticeSection]


def notice_field() -> StrawberryField:
    """The public field of the query."""

    def privacy_notice(
        root: Any,
        info: Info[Context, None],
        jurisdiction: Annotated[
            str, strawberry.argument(description="Whose law protects the reader, such as `eu` or `us-ca`.")
        ],
        language: Annotated[
            str, strawberry.argument(description="Such as `de`; `de-AT` is served by `de`. BCP 47.")
        ],
    ) -> PrivacyNotice:
        del root
        return _notice(info.context.records.verbs[Present].notice(jurisdiction, language))

    words = "What people of a jurisdiction are told about their data: the privacy notice in force."
    return field(privacy_notice, "privacyNotice", PrivacyNotice, words)


def _notice(one: Notice) -> PrivacyNotice:
    return PrivacyNotice(
        version=one.version,
        effective_from=one.since,
        jurisdiction=one.jurisdiction,
        language=one.language,
        title=one.title,
        sha256=one.sha256,
        text=one.text,
        sections=[_section(section) for section in one.sections],
    )


def _section(one: Section) -> NoticeSection:
    items = [_item(item) for item in one.items]
    return NoticeSection(key=one.key, title=one.title, paragraphs=list(one.paragraphs), items=items)


def _item(one: Item) -> NoticeItem:
    lines = [NoticeLine(name=line.name, text=line.text) for line in one.lines]
    return NoticeItem(key=one.key, title=one.title, text=one.text, lines=lines)
