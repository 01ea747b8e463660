"""Messages to the shipped catalogue that are refused, or of which a part is left out."""

from __future__ import annotations

from typing import Any


def build_message(**changes: Any) -> dict[str, Any]:
    """Build a valid identify with changed members."""
    return {"type": "identify", "userId": "u1", "messageId": "m1", "traits": {}, **changes}


def build_identify(**traits: Any) -> dict[str, Any]:
    """Build a valid identify with these traits."""
    return build_message(traits=traits)


def build_track(event: Any, **properties: Any) -> dict[str, Any]:
    """Build a track call."""
    return build_message(type="track", event=event, properties=properties)


def build_group(**traits: Any) -> dict[str, Any]:
    """Build a group call with these traits."""
    return build_message(type="group", groupId="g1", traits=traits)


def build_external_ids(ids: Any) -> dict[str, Any]:
    """Build an identify with ids of other systems."""
    return build_message(context={"externalIds": ids})


def build_preferences(preferences: Any) -> dict[str, Any]:
    """Build an identify with Segment's consent object."""
    return build_message(context={"consent": {"categoryPreferences": preferences}})


def build_consent(**members: Any) -> dict[str, Any]:
    """Build a consent message of ``u1``."""
    return build_message(**{"type": "consent", "purposes": {"marketing": True}, **members})


REFUSED: list[tuple[str, Any, str, str]] = [
    ("no object", [], "MESSAGE_INVALID", ""),
    ("a type nobody knows", build_message(type="poke"), "TYPE_UNSUPPORTED", "type"),
    ("an alias without the former id", build_message(type="alias"), "PREVIOUS_ID_INVALID", "previousId"),
    ("no type", build_message(type=None), "TYPE_UNSUPPORTED", "type"),
    ("a type that is a list", build_message(type=["track"]), "TYPE_UNSUPPORTED", "type"),
    ("consent to nothing", build_consent(purposes={}), "PURPOSES_MISSING", "purposes"),
    ("consent without purposes", build_consent(purposes=None), "PURPOSES_MISSING", "purposes"),
    ("consent in a list", build_consent(purposes=["marketing"]), "TYPE_WRONG", "purposes"),
    ("consent by a word", build_consent(purposes={"marketing": "yes"}), "TYPE_WRONG", "purposes"),
    (
        "consent to what nobody knows",
        build_consent(purposes={"espionage": True}),
        "PURPOSE_UNKNOWN",
        "purposes",
    ),
    ("a purpose of no name", build_consent(purposes={"": False}), "PURPOSE_UNKNOWN", "purposes"),
    (
        "too many purposes",
        build_consent(purposes=dict.fromkeys(map(str, range(101)), True)),
        "PURPOSES_MISSING",
        "purposes",
    ),
    ("consent until the moon", build_consent(validUntil="moon"), "VALID_UNTIL_INVALID", "validUntil"),
    ("consent by telepathy", build_consent(method="telepathy"), "METHOD_UNKNOWN", "method"),
    ("a method that is a list", build_consent(method=["gpc"]), "METHOD_UNKNOWN", "method"),
    (
        "a notice without a digest",
        build_consent(notice={"version": "1", "language": "de"}),
        "NOTICE_INVALID",
        "notice.sha256",
    ),
    ("a notice of a name", build_consent(notice={"version": "Ann Lee"}), "NOTICE_INVALID", "notice.version"),
    (
        "a guardian by name",
        build_consent(guardian={"reference": "Eve Lee"}),
        "GUARDIAN_INVALID",
        "guardian.reference",
    ),
    ("a guardian of no name", build_consent(guardian={"x": 1}), "GUARDIAN_INVALID", "guardian.reference"),
    ("nobody", build_message(userId=None), "NO_USER_ANON_ID", "userId"),
    ("an empty name for somebody", build_message(userId="", anonymousId=""), "NO_USER_ANON_ID", "userId"),
    ("a person that is an object", build_message(userId={"$ne": 1}), "ID_INVALID", "userId"),
    ("a person that is true", build_message(userId=True), "ID_INVALID", "userId"),
    ("a name too long", build_message(userId="u" * 255), "ID_INVALID", "userId"),
    ("a message id that is a number", build_message(messageId=1), "MESSAGE_ID_INVALID", "messageId"),
    ("a message id too long", build_message(messageId="m" * 101), "MESSAGE_ID_INVALID", "messageId"),
    ("a message id of two lines", build_message(messageId="a\nb"), "MESSAGE_ID_INVALID", "messageId"),
    ("a time that is none", build_message(timestamp="noon"), "TIMESTAMP_INVALID", "timestamp"),
    ("a time in seconds", build_message(timestamp=1_790_000_000), "TIMESTAMP_INVALID", "timestamp"),
    (
        "a time in milliseconds as text",
        build_message(timestamp="1790000000000"),
        "TIMESTAMP_INVALID",
        "timestamp",
    ),
    ("a group without a number", build_message(type="group"), "GROUP_ID_INVALID", "groupId"),
    ("a group with an empty number", build_message(type="group", groupId=""), "GROUP_ID_INVALID", "groupId"),
    (
        "a group that is an object",
        build_message(type="group", groupId={"$gt": ""}),
        "GROUP_ID_INVALID",
        "groupId",
    ),
    (
        "a group's number too long",
        build_message(type="group", groupId="g" * 501),
        "GROUP_ID_INVALID",
        "groupId",
    ),
    ("an event nobody declared", build_track("Espionage"), "EVENT_UNDECLARED", "event"),
    ("an event that is an object", build_track({"$gt": ""}), "EVENT_UNDECLARED", "event"),
    (
        "a property it needs of another type",
        build_track("Order Completed", order_id="1", total="1,299.00"),
        "TYPE_WRONG",
        "properties.total",
    ),
    (
        "a property it needs that is empty",
        build_track("Order Completed", order_id="", total=1),
        "PROPERTY_MISSING",
        "properties.order_id",
    ),
    (
        "a former id of nobody",
        build_message(type="alias", previousId="[object Object]"),
        "IDENTIFIER_BLOCKED",
        "previousId",
    ),
    (
        "a person by the name of a template",
        build_message(userId="{{user.id}}"),
        "IDENTIFIER_BLOCKED",
        "userId",
    ),
    ("two ids of nobody", build_message(userId=["u1"], anonymousId="undefined"), "ID_INVALID", "userId"),
]
LEFT_OUT: list[tuple[str, Any, str, str]] = [
    ("a time it was sent that is none", build_message(sentAt="noon"), "SENT_AT_INVALID", "sentAt"),
    ("a group's trait of another type", build_group(role=[7]), "TYPE_WRONG", "traits.role"),
    ("external ids that are an object", build_external_ids({}), "TYPE_WRONG", "context.externalIds"),
    (
        "more external ids than anybody has",
        build_external_ids([{}] * 101),
        "TYPE_WRONG",
        "context.externalIds",
    ),
    ("an external id that is text", build_external_ids(["u1"]), "TYPE_WRONG", "context.externalIds.0"),
    (
        "an external id that is not of its type",
        build_external_ids([{"type": "email", "id": "at home"}]),
        "IDENTIFIER_INVALID",
        "context.externalIds.0.id",
    ),
    ("traits that are a list", build_message(traits=[]), "TYPE_WRONG", "traits"),
    ("a context that is text", build_message(context="x"), "TYPE_WRONG", "context"),
    ("a name that is a number", build_identify(firstName=7.5), "TYPE_WRONG", "traits.firstName"),
    ("a birthday that is none", build_identify(birthday="the 3rd"), "TYPE_WRONG", "traits.birthday"),
    ("an e-mail that is none", build_identify(email="at home"), "IDENTIFIER_INVALID", "traits.email"),
    (
        "consent that is text",
        build_preferences({"marketing": "yes"}),
        "TYPE_WRONG",
        "context.consent.categoryPreferences.marketing",
    ),
    (
        "consent that is a list",
        build_preferences(["marketing"]),
        "TYPE_WRONG",
        "context.consent.categoryPreferences",
    ),
    ("a phone number that is none", build_identify(phone="12345"), "IDENTIFIER_INVALID", "traits.phone"),
    (
        "a mobile number of Mexico as before 2019",
        build_identify(phone="+52 1 55 1234 5678"),
        "IDENTIFIER_INVALID",
        "traits.phone",
    ),
    (
        "an international number without its plus",
        build_identify(phone="14155552671"),
        "IDENTIFIER_INVALID",
        "traits.phone",
    ),
    (
        "a national number without a country",
        build_identify(phone="030 90 18 20"),
        "IDENTIFIER_INVALID",
        "traits.phone",
    ),
    ("a name that is an empty list", build_identify(firstName=[]), "TYPE_WRONG", "traits.firstName"),
    (
        "a list of addresses",
        build_identify(email="a@x.example,b@y.example"),
        "IDENTIFIER_INVALID",
        "traits.email",
    ),
    (
        "a bad trait that the SDK remembered",
        build_message(type="page", context={"traits": {"phone": "1"}}),
        "IDENTIFIER_INVALID",
        "context.traits.phone",
    ),
    (
        "a trait of the context beside good ones",
        build_message(traits={"firstName": "Ann"}, context={"traits": {"birthday": "x"}}),
        "TYPE_WRONG",
        "context.traits.birthday",
    ),
    (
        "traits of the context that are a list",
        build_message(context={"traits": []}),
        "TYPE_WRONG",
        "context.traits",
    ),
    ("a language that is none", build_message(context={"locale": "C"}), "VALUE_INVALID", "context.locale"),
    ("an object in place of text", build_identify(firstName=[1]), "TYPE_WRONG", "traits.firstName"),
    ("an account id that is true", build_message(userId=True, anonymousId="ck-1"), "ID_INVALID", "userId"),
    (
        "an account id of nobody",
        build_message(userId="null", anonymousId="ck-1"),
        "IDENTIFIER_BLOCKED",
        "userId",
    ),
    ("a cookie of nobody", build_message(anonymousId="${id}"), "IDENTIFIER_BLOCKED", "anonymousId"),
    ("a cookie too long", build_message(anonymousId="c" * 255), "ID_INVALID", "anonymousId"),
    ("properties that are a list", build_message(type="page", properties=[]), "TYPE_WRONG", "properties"),
    (
        "a property of another type",
        build_track("Product Viewed", product_id="1", name=["x"]),
        "TYPE_WRONG",
        "properties.name",
    ),
    (
        "an unreadable GPP string",
        build_message(context={"gppString": "?"}),
        "SIGNAL_UNREADABLE",
        "context.gppString",
    ),
    (
        "an unreadable TC string",
        build_message(context={"tcString": "C!"}),
        "SIGNAL_UNREADABLE",
        "context.tcString",
    ),
    ("GPC by a word", build_message(context={"gpc": "on"}), "SIGNAL_UNREADABLE", "context.gpc"),
    (
        "consent objects that are text",
        build_message(context={"consent": "yes"}),
        "TYPE_WRONG",
        "context.consent",
    ),
    ("a time of sending that is a number", build_message(sentAt=1_790_000_000), "SENT_AT_INVALID", "sentAt"),
    ("a country that is none", build_identify(country="Narnia"), "VALUE_INVALID", "traits.country"),
    (
        "a country of an address",
        build_identify(address={"country": "x"}),
        "VALUE_INVALID",
        "traits.address.country",
    ),
    ("a birthday to come", build_identify(birthday="2090-01-01"), "VALUE_INVALID", "traits.birthday"),
    ("a birthday of long ago", build_identify(birthday="1850-01-01"), "VALUE_INVALID", "traits.birthday"),
    ("a birthday with a rest", build_identify(birthday="1990-12-31junk"), "TYPE_WRONG", "traits.birthday"),
    ("a month of birth", build_identify(birthday="1990-12"), "TYPE_WRONG", "traits.birthday"),
    (
        "a channel nobody has",
        build_identify(contactChannel="pigeon"),
        "VALUE_UNDECLARED",
        "traits.contactChannel",
    ),
    (
        "a card of nobody",
        build_external_ids([{"type": "loyalty_id", "id": "[object Object]"}]),
        "IDENTIFIER_BLOCKED",
        "context.externalIds.0.id",
    ),
    (
        "an address of nobody",
        build_external_ids([{"type": "email", "id": "null@shop.example"}]),
        "IDENTIFIER_BLOCKED",
        "context.externalIds.0.id",
    ),
    (
        "an id that is a list",
        build_external_ids([{"type": "loyalty_id", "id": ["L-1"]}]),
        "ID_INVALID",
        "context.externalIds.0.id",
    ),
]
