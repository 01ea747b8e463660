"""Changes of rules in journeys: another catalogue, another law, and who is visible under each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from discretion.catalogue.load import find_shipped_catalogue
from discretion.law.load import find_shipped_jurisdictions
from discretion.plan.customer_members import RULES
from discretion.store.driver.database import Database
from tests.fixtures.platform import PlatformUnderTest

MAIL = "marketing.communications.email"
SUPPORT = "essential.service.operations.support"
GUARD = "essential.service.security"
NEW_PURPOSE = "functional.storage"
GERMANY = ("DE", None)
_NEW_PURPOSE = f"""
  {NEW_PURPOSE}:
    bit: 40
    basis: legitimate_interest
    family: improvement
    label: Archive
    description: Keeping what is no longer used at hand.
    meaning: We keep your old orders at hand. You may object.
"""
FIND_CUSTOMER = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
ONE_CUSTOMER = "query($id: ID!) { customer(id: $id) { contact { emailVerified } } }"
ALL_CUSTOMERS = """{ listed: customers(first: 50) { totalCount nodes { contact { emailVerified } } }
  found: customers(first: 50, filter: { contact: { emailVerified: { eq: true } } }) {
    totalCount nodes { id } }
  sorted: customers(first: 50, orderBy: { by: CONTACT_EMAIL_VERIFIED }) { nodes { id } } }"""


def write_law(folder: Path, **states: tuple[str, str]) -> Path:
    """Write the shipped jurisdictions with replacements in some: ``us_tx=(shipped_text, replacement)``."""
    jurisdictions = folder / "jurisdictions"
    shutil.copytree(find_shipped_jurisdictions(), jurisdictions)
    for key, (shipped_text, replacement) in states.items():
        _replace(jurisdictions / f"{key.replace('_', '-')}.yaml", shipped_text, replacement)
    return jurisdictions


def write_new_purpose(folder: Path) -> Path:
    """Write the shipped catalogue with one more purpose, for which an attribute is used."""
    catalogue = _catalogue(folder)
    purposes = catalogue / "purposes.yaml"
    purposes.write_text(purposes.read_text("utf-8").rstrip("\n") + "\n" + _NEW_PURPOSE, "utf-8")
    _use_attribute_for(catalogue, NEW_PURPOSE)
    return catalogue


def write_other_basis(folder: Path) -> Path:
    """Write the shipped catalogue with consent as the legal basis of account security."""
    catalogue = _catalogue(folder)
    shipped_basis = f"  {GUARD}:\n    bit: 5\n    basis: legitimate_interest"
    _replace(
        catalogue / "purposes.yaml", shipped_basis, shipped_basis.replace("legitimate_interest", "consent")
    )
    return catalogue


async def read_visible_names(platform: PlatformUnderTest, purpose: str, names: list[str]) -> set[str]:
    """Return who is visible for a purpose; single lookup, list, count, filter and sort order must agree."""
    token, office = platform.issue_token(purposes=[purpose]), platform.issue_token("steward", client="client")
    visible = set()
    for name in names:
        lookup = await platform.query(FIND_CUSTOMER, office, {"v": f"{name}@post.example"})
        answer = await platform.query(ONE_CUSTOMER, token, {"id": lookup["data"]["customer"]["id"]})
        customer = answer["data"]["customer"]
        if customer is not None and customer["contact"]["emailVerified"] is not None:
            assert customer["contact"]["emailVerified"] is True
            visible.add(name)
    answer = await platform.query(ALL_CUSTOMERS, token)
    assert "errors" not in answer, answer
    listed, by_filter, ordered = (answer["data"][alias] for alias in ("listed", "found", "sorted"))
    verified = [node["contact"]["emailVerified"] for node in listed["nodes"]]
    assert verified == [True] * len(visible)
    assert listed["totalCount"] == by_filter["totalCount"] == len(visible)
    assert len(by_filter["nodes"]) == len(ordered["nodes"]) == len(visible)
    return visible


def build_introduction_message(name: str, *, place: tuple[str, str | None], **traits: bool) -> dict[str, Any]:
    """Return a message about a person of a place, with choices about purposes."""
    country, state = place
    address = {"country": country, **({"state": state} if state else {})}
    message: dict[str, Any] = {
        "type": "identify",
        "messageId": f"hello-{name}",
        "userId": f"u-{name}",
        "traits": {"email": f"{name}@post.example", "emailVerified": True, "address": address},
    }
    if traits:
        preferences = {key.replace("__", "."): choice for key, choice in traits.items()}
        message["context"] = {"consent": {"categoryPreferences": preferences}}
    return message


async def read_rule_versions(database: Database) -> set[str]:
    """Return the versions of the rules that stored customers carry."""
    return {customer[RULES] for customer in await database.find("customers", {}, {RULES: 1})}


def _catalogue(folder: Path) -> Path:
    shutil.copytree(find_shipped_catalogue(), folder / "catalogue")
    return folder / "catalogue"


def _use_attribute_for(catalogue: Path, purpose: str) -> None:
    text = (catalogue / "contact.yaml").read_text("utf-8")
    before, name, after = text.partition("  contact.emailVerified:")
    after = after.replace("      clear:\n", f"      clear:\n        - {purpose}\n", 1)
    (catalogue / "contact.yaml").write_text(before + name + after, "utf-8")


def _replace(path: Path, shipped_text: str, replacement: str) -> None:
    text = path.read_text("utf-8")
    assert shipped_text in text
    path.write_text(text.replace(shipped_text, replacement), "utf-8")
