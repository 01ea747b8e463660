"""The subjects of a refused message: blind indexes of every identifier that it contains.

An erasure finds a person's dead letters by these indexes, since it cannot open the letters. They equal the
indexes of the ``identifiers`` collection. An id that the rule of its type cannot normalise is indexed as it
is: a corrected catalogue may accept it in this form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.attributes import read_phone_region
from discretion.domain.ingest.json_path import find_first_value, flatten_traits
from discretion.seal.blind_index import BlindIndex
from discretion.seal.normalisation import NORMALISATION_RULES, normalise_token


def index_subjects(
    catalogue: Catalogue, source: Source, message: Mapping[str, object], blind_index: BlindIndex
) -> list[bytes]:
    """Return the sorted blind indexes of the identifiers in a redacted message; empty if it has none."""
    raw_context = message.get("context")
    context = raw_context if isinstance(raw_context, dict) else {}
    raw_traits = message.get("traits") if message["type"] == "identify" else context.get("traits")
    traits = raw_traits if isinstance(raw_traits, dict) else {}
    region = read_phone_region(dict(flatten_traits(traits)))
    subject_entries = set()
    for identifier_type, value in (
        *_read_message_ids(source, message),
        *_read_attribute_ids(catalogue, traits, context),
        *_read_context_ids(catalogue, context),
    ):
        for text in _read_texts(value):
            normalised = NORMALISATION_RULES[catalogue.identifiers[identifier_type].normalise](
                text, region
            ) or normalise_token(text)
            if normalised:
                subject_entries.add(blind_index.index(identifier_type, normalised))
    return sorted(subject_entries)


def _read_message_ids(source: Source, message: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    yield source.user_id, message.get("userId")
    yield source.anonymous_id, message.get("anonymousId")
    for identifier_type in (source.user_id, source.anonymous_id):
        yield identifier_type, message.get("previousId")


def _read_attribute_ids(
    catalogue: Catalogue, traits: Mapping[str, object], context: Mapping[str, object]
) -> Iterator[tuple[str, object]]:
    """Yield the values of identifier attributes, from the traits and from the context."""
    trait_values = dict(flatten_traits(traits))
    for attribute in catalogue.attributes.values():
        if attribute.identifier is not None:
            yield from ((attribute.identifier, trait_values.get(trait)) for trait in attribute.traits)
            yield from _read_ids_at(attribute.identifier, attribute.context, context)


def _read_context_ids(catalogue: Catalogue, context: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the ids of the device, and the ids of other systems in ``externalIds``."""
    for identifier_type, declared in catalogue.identifiers.items():
        yield from _read_ids_at(identifier_type, declared.context, context)
    external_ids = context.get("externalIds")
    for external_id in external_ids if isinstance(external_ids, list) else ():
        if isinstance(external_id, dict) and "type" in external_id:
            yield external_id["type"], external_id["id"]


def _read_ids_at(
    identifier_type: str, places: tuple[str, ...], context: Mapping[str, object]
) -> Iterator[tuple[str, object]]:
    for place in places:
        if (place_and_value := find_first_value(context, (place,))) is not None:
            yield identifier_type, place_and_value[1]


def _read_texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _read_texts(item)]
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    return [value] if isinstance(value, str) else []
