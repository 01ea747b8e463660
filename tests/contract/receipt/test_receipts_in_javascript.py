"""A receipt is verified offline by the JOSE library of the web, and one that was touched is refused."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from discretion.domain.consent.receipt import Receipts
from discretion.token.keys import KeySet
from tests.fixtures.node import NODE, npm_install
from tests.unit.domain.consent import samples
from tests.unit.token.forged_tokens import b64, unb64

HERE = Path(__file__).resolve().parent
ISSUER = "https://data.shop.example"
KEYS = KeySet.generate()


def verified(*receipts: str) -> list[dict[str, Any]]:
    """What a program of somebody else's makes of receipts."""
    npm_install(HERE.parent)
    asked = {"jwks": KEYS.public_jwks(), "issuer": ISSUER, "receipts": receipts}
    command = [NODE, str(HERE / "verify.mjs")]
    done = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=60
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def signed(keys: KeySet = KEYS) -> str:
    """A receipt."""
    return Receipts(keys, ISSUER).sign(samples.event(), samples.TERMS[samples.EMAIL].document(), "ann")


def altered(receipt: str, part: int, **members: Any) -> str:
    """A receipt whose header or payload says something else."""
    parts = receipt.split(".")
    parts[part] = b64(json.dumps({**json.loads(unb64(parts[part])), **members}).encode())
    return ".".join(parts)


def test_it_is_verified_with_the_published_keys_and_nothing_else() -> None:
    (found,) = verified(signed())
    assert found["payload"]["jti"] == samples.event().name
    assert found["payload"]["event"]["event_state"] == "given"


def test_whatever_is_changed_in_it_or_signed_by_others_is_refused() -> None:
    """Each part, the algorithm, the type, the key; and one without a signature."""
    receipt = signed()
    head, payload, signature = receipt.split(".")
    turned = bytearray(unb64(signature))
    turned[0] ^= 1
    forged = [
        altered(receipt, 1, event={"event_state": "given", "event_time": "1999-01-01T00:00:00Z"}),
        altered(receipt, 1, iss="https://elsewhere.example"),
        altered(receipt, 0, alg="none"),
        altered(receipt, 0, typ="at+jwt"),
        altered(receipt, 0, alg="HS256"),
        f"{altered(receipt, 0, alg='none').rpartition('.')[0]}.",
        f"{head}.{payload}.",
        f"{head}.{payload}.{b64(bytes(turned))}",
        signed(KeySet.generate()),
    ]
    found = verified(*forged, receipt)
    assert [one for one in found[:-1] if "refused" not in one] == []
    assert "payload" in found[-1]
