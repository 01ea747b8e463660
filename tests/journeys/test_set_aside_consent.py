"""One sender's acceptances are set aside together: at once for everybody, with the reason, and reversible."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.consent import EMAIL, PARTNERS, SET_CONSENT, find_permission, mutate

REASON = "The banner of the shop accepted by itself."
READ = """{ me {
  permissions { purpose { key } permitted said why }
  consents { nodes { purpose state by setAside } }
} }"""
NAMES = ("shop", "own", "no", "app")


def write_catalogue(folder: Path, period: str) -> Path:
    """Write the shipped catalogue with the web shop's acceptances of a period set aside."""
    catalogue = Path(shutil.copytree(find_shipped_catalogue(), folder / "catalogue"))
    path = catalogue / "sources.yaml"
    set_aside = f"{{set_aside: [{{reason: '{REASON}', by: 'privacy-office'{period}}}]}}"
    text = path.read_text("utf-8")
    head, mark, tail = text.partition("  web-shop:\n")
    path.write_text(f"{head}{mark}    consent: {set_aside}\n{tail}", "utf-8")
    return catalogue


async def send_people(platform: PlatformUnderTest) -> dict[str, str]:
    """Send people whose acceptances came in different ways, and return their tokens by name."""
    for name in NAMES:
        source = "ios-app" if name == "app" else "web-shop"
        traits = {"email": f"{name}@post.example", "address": {"country": "DE"}}
        day = {"timestamp": "2026-03-01T12:00:00Z"}
        await platform.send_messages(
            source, {"type": "identify", "userId": f"u-{name}", "traits": traits, **day}
        )
        consent = {"type": "consent", "userId": f"u-{name}", "purposes": {EMAIL: name != "no"}, **day}
        await platform.send_messages(source, consent)
    tokens = {name: await platform.issue_customer_token("email", f"{name}@post.example") for name in NAMES}
    await mutate(platform, tokens["own"], SET_CONSENT, p=[{"purpose": EMAIL, "given": True}])
    return tokens


async def read(platform: PlatformUnderTest, token: str) -> tuple[dict[str, Any], list[str | None]]:
    """Return the person's permission for e-mail, and why their reported acceptances were set aside."""
    answer = await platform.query(READ, token)
    assert "errors" not in answer, answer
    me = answer["data"]["me"]
    reported = [item for item in me["consents"]["nodes"] if item["by"].startswith("source:")]
    return find_permission(me, EMAIL), [item["setAside"] for item in reported]


async def count_marketable(platform: PlatformUnderTest) -> int:
    """Return how many people marketing may write to."""
    query = "{ customers(first: 50) { nodes { contact { email } } } }"
    answer = await platform.query(query, platform.issue_token("marketing"))
    nodes = answer["data"]["customers"]["nodes"]
    return sum(1 for node in nodes if node["contact"] and node["contact"]["email"])


@pytest.mark.parametrize(
    ("period", "concerned"),
    [
        ("", True),
        (", from: 2026-03-01, until: 2026-03-02", True),
        (", from: 2026-03-02", False),
        (", until: 2026-03-01", False),
    ],
)
async def test_acceptances_of_a_sender_count_no_longer(
    platform: PlatformUnderTest, database: Database, tmp_path: Path, period: str, concerned: bool
) -> None:
    """Neither what the person agreed to themselves, nor a refusal, nor another sender is concerned."""
    tokens = await send_people(platform)
    assert await count_marketable(platform) == 3
    other = await build_test_platform(
        database, tmp_path, CommandRecorder(), load_catalogue(write_catalogue(tmp_path, period))
    )
    async with other.http:
        # At once: nobody is revealed by what was computed before.
        assert await count_marketable(other) <= (2 if concerned else 3)
        await other.internals.permission_recomputation.run()
        assert await count_marketable(other) == (2 if concerned else 3)
        permission, reasons = await read(other, tokens["shop"])
        assert (permission["permitted"], permission["why"]) == (
            (False, "not_agreed") if concerned else (True, "agreed")
        )
        assert reasons == [REASON if concerned else None]
        assert (await read(other, tokens["own"]))[0]["permitted"]
        assert await read(other, tokens["app"]) == (
            {"purpose": {"key": EMAIL}, "permitted": True, "said": True, "why": "agreed"},
            [None],
        )
        permission, reasons = await read(other, tokens["no"])
        assert (permission["why"], reasons) == ("refused", [None])
        # A message that arrives later and is of the period counts as little; a person's own word does.
        late = {"type": "consent", "userId": "u-late", "purposes": {EMAIL: True}}
        person = {"type": "identify", "userId": "u-late", "traits": {"email": "late@post.example"}}
        day = {"timestamp": "2026-03-01T13:00:00Z"}
        await other.send_messages("web-shop", {**person, **day}, {**late, **day})
        token = await other.issue_customer_token("email", "late@post.example")
        assert (await read(other, token))[0]["permitted"] is not concerned
        await mutate(other, token, SET_CONSENT, p=[{"purpose": EMAIL, "given": True}])
        assert (await read(other, token))[0]["permitted"]


async def test_setting_aside_can_be_taken_back(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    tokens = await send_people(platform)
    aside = load_catalogue(write_catalogue(tmp_path, ""))
    other = await build_test_platform(database, tmp_path, CommandRecorder(), aside)
    async with other.http:
        await other.internals.permission_recomputation.run()
        assert not (await read(other, tokens["shop"]))[0]["permitted"]
        assert not find_permission((await other.query(READ, tokens["shop"]))["data"]["me"], PARTNERS)[
            "permitted"
        ]
    again = await build_test_platform(database, tmp_path, CommandRecorder())
    async with again.http:
        await again.internals.permission_recomputation.run()
        permission, reasons = await read(again, tokens["shop"])
        assert (permission["why"], reasons) == ("agreed", [None])
