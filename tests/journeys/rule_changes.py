"""Rules that change in journeys: folders of another catalogue and another law, and who is seen under each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from discretion.catalogue.load import shipped as shipped_catalogue
from discretion.law.load import shipped as shipped_law
from discretion.store.driver.database import Database
from tests.fixtures.platform import House

MAIL = "marketing.communications.email"
SUPPORT = "essential.service.operations.support"
GUARD = "essential.service.security"
NEW = "functional.storage"
_NEW_PURPOSE = f"""
  {NEW}:
    bit: 40
    basis: legitimate_interest
    family: improvement
    label: Archive
    description: Keeping what is no longer used at hand.
    meaning: We keep your old orders at hand. You may object.
"""
WHO = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
ONE = "query($id: ID!) { customer(id: $id) { contact { emailVerified } } }"
ALL = """{ listed: customers(first: 50) { totalCount nodes { contact { emailVerified } } }
  found: customers(first: 50, filter: { contact: { emailVerified: { eq: true } } }) {
    totalCount nodes { id } }
  sorted: customers(first: 50, orderBy: { by: CONTACT_EMAIL_VERIFIED }) { nodes { id } } }"""


def law(folder: Path, **states: tuple[str, str]) -> Path:
    """The shipped jurisdictions, but for what is replaced in some: ``us_tx=(old, new)``."""
    made = folder / "jurisdictions"
    shutil.copytree(shipped_law(), made)
    for key, (old, new) in states.items():
        _replace(made / f"{key.replace('_', '-')}.yaml", old, new)
    return made


def new_purpose(folder: Path) -> Path:
    """The shipped catalogue with one purpose more, for which an attribute is used."""
    made = _catalogue(folder)
    purposes = made / "purposes.yaml"
    purposes.write_text(purposes.read_text("utf-8").rstrip("\n") + "\n" + _NEW_PURPOSE, "utf-8")
    _used_for(made, NEW)
    return made


def other_basis(folder: Path) -> Path:
    """The shipped catalogue, where watching over accounts takes a yes."""
    made = _catalogue(folder)
    old = f"  {GUARD}:\n    bit: 5\n    basis: legitimate_interest"
    _replace(made / "purposes.yaml", old, old.replace("legitimate_interest", "consent"))
    return made


async def seen(house: House, purpose: str, names: list[str]) -> set[str]:
    """Who is revealed for a purpose; one by one, in the list, in counts, by filter and in order alike."""
    token, office = house.token(purposes=[purpose]), house.token("steward", client="client")
    found = set()
    for name in names:
        who = await house.ask(WHO, office, {"v": f"{name}@post.example"})
        answer = await house.ask(ONE, token, {"id": who["data"]["customer"]["id"]})
        customer = answer["data"]["customer"]
        if customer is not None and customer["contact"]["emailVerified"] is not None:
            assert customer["contact"]["emailVerified"] is True
            found.add(name)
    answer = await house.ask(ALL, token)
    assert "errors" not in answer, answer
    listed, by_filter, ordered = (answer["data"][one] for one in ("listed", "found", "sorted"))
    verified = [one["contact"]["emailVerified"] for one in listed["nodes"]]
    assert verified == [True] * len(found)
    assert listed["totalCount"] == by_filter["totalCount"] == len(found)
    assert len(by_filter["nodes"]) == len(ordered["nodes"]) == len(found)
    return found


def introduced(name: str, *, place: tuple[str, str | None], **said: bool) -> dict[str, Any]:
    """Somebody of a place, who says yes or no to purposes."""
    country, state = place
    address = {"country": country, **({"state": state} if state else {})}
    message: dict[str, Any] = {
        "type": "identify",
        "messageId": f"hello-{name}",
        "userId": f"u-{name}",
        "traits": {"email": f"{name}@post.example", "emailVerified": True, "address": address},
    }
    if said:
        preferences = {key.replace("__", "."): given for key, given in said.items()}
        message["context"] = {"consent": {"categoryPreferences": preferences}}
    return message


async def rules(database: Database) -> set[str]:
    """Versions that customers carry."""
    return {one["rules"] for one in await database.find("customers", {}, {"rules": 1})}


def _catalogue(folder: Path) -> Path:
    shutil.copytree(shipped_catalogue(), folder / "catalogue")
    return folder / "catalogue"


def _used_for(catalogue: Path, purpose: str) -> None:
    text = (catalogue / "contact.yaml").read_text("utf-8")
    before, name, after = text.partition("  contact.emailVerified:")
    after = after.replace("      clear:\n", f"      clear:\n        - {purpose}\n", 1)
    (catalogue / "contact.yaml").write_text(before + name + after, "utf-8")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
