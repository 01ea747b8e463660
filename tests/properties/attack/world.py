"""The people of the attack: customers as the channels know them, and what a stranger may do.

The stranger has a web account, a card of the tills, a mailbox of their own and one that somebody else had
before, and any number of anonymous browsers and devices. They know every number and address of everybody; of
the browsers and cards of others they have only those that are shared. They also
use a tablet and a family's payment card, as others do. The sources are honest: they say `proven` only of what
was proven to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

Message = tuple[str, dict[str, Any]]
"""A source and the message it sends."""

WEB, APP, TILLS = "web-shop", "ios-app", "tills"
TABLET, FAMILY_CARD = "ck-tablet", "card-family"
RECYCLED = "recycled@post.example"
"""An address that Rosa gave up and the stranger has now."""

MARKETING: Final = ("marketing.communications.email", "marketing.advertising.third_party.targeted")


def confirm_card(card: str) -> dict[str, Any]:
    """Return a context in which an account has confirmed a card."""
    return name_number(card, "loyalty_id", "proven")


def name_number(number: str, identifier_type: str, assurance: str | None = None) -> dict[str, Any]:
    """Return a context that names a number, with what the source says about it."""
    external_id = {"id": number, "type": identifier_type, "collection": "users", "encoding": "none"}
    return {"externalIds": [external_id if assurance is None else {**external_id, "assurance": assurance}]}


def build_consent_context(choices: Mapping[str, bool]) -> dict[str, Any]:
    """Return a context with choices about purposes."""
    return {"consent": {"categoryPreferences": dict(choices)}}


VERA_HOME: Final = {"street": "Lindenweg 1", "city": "Kiel", "country": "DE"}
SETUP: Final[tuple[Message, ...]] = (
    (WEB, {"type": "page", "name": "Home", "anonymousId": "ck-vera"}),
    (
        WEB,
        {
            "type": "identify",
            "userId": "c-vera",
            "anonymousId": "ck-vera",
            "traits": {
                "firstName": "Vera",
                "email": "vera@post.example",
                "emailVerified": True,
                "address": VERA_HOME,
            },
            "context": confirm_card("L-vera"),
        },
    ),
    (
        APP,
        {"type": "identify", "userId": "c-vera", "anonymousId": "dev-vera", "traits": {"firstName": "Vera"}},
    ),
    (
        TILLS,
        {"type": "identify", "userId": "L-vera", "anonymousId": FAMILY_CARD, "traits": {"firstName": "Vera"}},
    ),
    (
        WEB,
        {
            "type": "identify",
            "userId": "c-otto",
            "traits": {"firstName": "Otto", "email": "otto@post.example", "address": {"country": "DE"}},
            "context": {**confirm_card("L-otto"), **build_consent_context({MARKETING[0]: True})},
        },
    ),
    (
        TILLS,
        {"type": "identify", "userId": "L-otto", "anonymousId": FAMILY_CARD, "traits": {"firstName": "Otto"}},
    ),
    (
        TILLS,
        {
            "type": "identify",
            "userId": "L-tilda",
            "anonymousId": "card-tilda",
            "traits": {"firstName": "Tilda", "email": "tilda@post.example", "phone": "+493023125001"},
        },
    ),
    (
        WEB,
        {
            "type": "identify",
            "userId": "c-rosa",
            "traits": {
                "firstName": "Rosa",
                "email": RECYCLED,
                "emailVerified": True,
                "address": {"country": "DE"},
            },
        },
    ),
    (
        WEB,
        {"type": "identify", "anonymousId": "ck-rosa", "traits": {"email": RECYCLED, "emailVerified": True}},
    ),
    (
        WEB,
        {
            "type": "identify",
            "userId": "c-rosa",
            "traits": {"email": "rosa@post.example", "emailVerified": True},
        },
    ),
)
"""What the channels know before the attack, in this order.

Vera shares a payment card with Otto. Tilda has no account. Rosa confirmed a newsletter to an address that she
then gave up.
"""

VICTIMS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "vera": (
        ("user_id", "c-vera"),
        ("loyalty_id", "L-vera"),
        ("cookie", "ck-vera"),
        ("device_id", "dev-vera"),
    ),
    "otto": (("user_id", "c-otto"), ("loyalty_id", "L-otto")),
    "tilda": (("loyalty_id", "L-tilda"), ("card_token", "card-tilda")),
    "rosa": (("user_id", "c-rosa"), ("cookie", "ck-rosa")),
}
"""By customer, the identifiers of theirs alone; all of them lead to one customer before and after."""

STRANGERS: Final = ("c-mallory", "c-mallory-2")
STRANGERS_CARDS: Final = (("loyalty_id", "L-mallory"), ("card_token", "card-mallory"))
ADDRESSES: Final = (
    "vera@post.example",
    "Otto@Post.example",
    "tilda@post.example",
    "rosa@post.example",
    RECYCLED,
)
NUMBERS: Final = (
    ("user_id", "c-vera"),
    ("user_id", "c-otto"),
    ("user_id", "c-rosa"),
    ("loyalty_id", "L-vera"),
    ("loyalty_id", "L-otto"),
    ("loyalty_id", "L-tilda"),
)
TIMES: Final = ("2001-01-01T00:00:00Z", "2026-03-01T10:00:00Z", "2026-03-05T10:00:00Z")
"""What a message may say about its time: before everything, before and after the others' messages."""

PROVEN_AT: Final = TIMES[-1]
"""A source does not backdate what it has confirmed."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that somebody does: its name, and the message that a source sends about it."""

    name: str
    source: str
    body: Mapping[str, Any]


@st.composite
def actions(draw: st.DrawFn, names: Sequence[str] = ()) -> Action:
    """Draw an action of the stranger, or one of the others that changes nothing about who they are.

    With ``names``, only these actions are drawn.
    """
    name = draw(st.sampled_from(sorted(names or ACTIONS)))
    source, body = ACTIONS[name](draw)
    return Action(name, source, {"timestamp": draw(st.sampled_from(TIMES)), **body})


Draw = st.DrawFn


def _type_address(draw: Draw) -> Message:
    traits = {
        "email": draw(st.sampled_from(ADDRESSES)),
        "firstName": "Mallory",
        "address": {"street": "Evil 9"},
    }
    return draw(st.sampled_from((WEB, APP))), {**_account(draw), "traits": traits}


def _type_address_anonymously(draw: Draw) -> Message:
    traits = {"email": draw(st.sampled_from(ADDRESSES)), "firstName": "Mallory", "phone": "+493023125001"}
    browser = f"ck-stranger-{draw(st.integers(0, 30))}"
    return WEB, {"type": "identify", "anonymousId": browser, "traits": traits, "context": _yes()}


def _type_number(draw: Draw) -> Message:
    identifier_type, number = draw(st.sampled_from(NUMBERS))
    assurance = draw(st.sampled_from((None, "claimed", "sure", "")))
    context = name_number(number, identifier_type, assurance)
    return draw(st.sampled_from((WEB, APP))), {**_account(draw), "context": context}


def _have_the_till_confirm_an_address(draw: Draw) -> Message:
    traits = {"email": draw(st.sampled_from(ADDRESSES)), "emailVerified": True}
    return TILLS, {"type": "identify", "anonymousId": "card-mallory", "traits": traits}


def _alias(draw: Draw) -> Message:
    former = draw(st.sampled_from((*(number for _, number in NUMBERS), TABLET)))
    return draw(st.sampled_from((WEB, APP, TILLS))), {**_account(draw), "type": "alias", "previousId": former}


def _confirm_own_address(draw: Draw) -> Message:
    address = draw(st.sampled_from(("mallory@post.example", RECYCLED)))
    return WEB, {
        **_account(draw),
        "traits": {"email": address, "emailVerified": True},
        "timestamp": PROVEN_AT,
    }


def _confirm_own_card(draw: Draw) -> Message:
    return WEB, {**_account(draw), "context": confirm_card("L-mallory"), "timestamp": PROVEN_AT}


def _buy_at_the_till(draw: Draw) -> Message:
    card = draw(st.sampled_from((FAMILY_CARD, "card-mallory")))
    traits = {"email": draw(st.sampled_from(ADDRESSES)), "firstName": "Mallory"}
    return TILLS, {"type": "identify", "userId": "L-mallory", "anonymousId": card, "traits": traits}


def _sign_in_on_the_tablet(draw: Draw) -> Message:
    return WEB, {**_account(draw), "anonymousId": TABLET, "context": _yes()}


def _use_the_tablet(_draw: Draw) -> Message:
    traits = {"firstName": "Mallory", "address": {"street": "Evil 9"}}
    return WEB, {"type": "identify", "anonymousId": TABLET, "traits": traits, "context": _yes()}


def _agree_to_everything(draw: Draw) -> Message:
    purposes = dict.fromkeys(MARKETING, True)
    return WEB, {**_account(draw), "type": "consent", "purposes": purposes}


def _sign_in_as_vera(draw: Draw) -> Message:
    return WEB, {
        "type": "identify",
        "userId": "c-vera",
        "anonymousId": draw(st.sampled_from(("ck-vera", TABLET))),
    }


def _let_otto_buy(_draw: Draw) -> Message:
    return TILLS, {"type": "identify", "userId": "L-otto", "anonymousId": FAMILY_CARD}


def _account(draw: Draw) -> dict[str, Any]:
    return {"type": "identify", "userId": draw(st.sampled_from(STRANGERS))}


def _yes() -> dict[str, Any]:
    return build_consent_context(dict.fromkeys(MARKETING, True))


ACTIONS: Final[Mapping[str, Callable[[Draw], Message]]] = {
    "type an address in the own account": _type_address,
    "type an address in an anonymous browser": _type_address_anonymously,
    "type a number": _type_number,
    "have the till confirm an address": _have_the_till_confirm_an_address,
    "name a former id": _alias,
    "confirm an own or recycled address": _confirm_own_address,
    "confirm the own card": _confirm_own_card,
    "buy at the till": _buy_at_the_till,
    "sign in on the tablet": _sign_in_on_the_tablet,
    "use the tablet": _use_the_tablet,
    "agree to everything": _agree_to_everything,
    "Vera signs in": _sign_in_as_vera,
    "Otto buys": _let_otto_buy,
}
