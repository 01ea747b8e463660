"""The JavaScript library jose verifies receipts offline and refuses altered ones."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from discretion.domain.consent.receipt import ReceiptSigner
from discretion.token.keys import KeySet
from tests.fixtures.node import NODE, npm_install
from tests.fixtures.waiting import WAIT_S
from tests.unit.domain.consent import samples
from tests.unit.token.forged_tokens import b64, unb64

HERE = Path(__file__).resolve().parent
ISSUER = "https://data.shop.example"
KEYS = KeySet.generate()


def verify_in_node(*receipts: str) -> list[dict[str, Any]]:
    """Verify receipts with a Node.js program.

    Returns:
        For each receipt ``{"payload": ...}``, or ``{"refused": code}``.
    """
    npm_install(HERE.parent)
    program_input = {"jwks": KEYS.public_jwks(), "issuer": ISSUER, "receipts": receipts}
    command = [NODE, str(HERE / "verify.mjs")]
    result = subprocess.run(
        command, input=json.dumps(program_input), capture_output=True, text=True, check=True, timeout=WAIT_S
    )
    outcomes: list[dict[str, Any]] = json.loads(result.stdout)
    return outcomes


def sign_receipt(keys: KeySet = KEYS) -> str:
    """Return a signed receipt."""
    return ReceiptSigner(lambda: keys, ISSUER).sign(
        samples.build_event(), samples.TERMS[samples.EMAIL], "ann"
    )


def alter_receipt(receipt: str, part: int, **members: Any) -> str:
    """Return a receipt with changed members in its header (part 0) or payload (part 1)."""
    parts = receipt.split(".")
    parts[part] = b64(json.dumps({**json.loads(unb64(parts[part])), **members}).encode())
    return ".".join(parts)


def test_a_receipt_verifies_with_the_published_keys_alone() -> None:
    (outcome,) = verify_in_node(sign_receipt())
    assert outcome["payload"]["jti"] == samples.build_event().record_uuid
    assert outcome["payload"]["event"]["event_state"] == "given"


def test_an_altered_or_foreign_receipt_is_refused() -> None:
    """Each part, the algorithm, the type and the key are changed, and one receipt has no signature."""
    receipt = sign_receipt()
    header, payload, signature = receipt.split(".")
    flipped = bytearray(unb64(signature))
    flipped[0] ^= 1
    forged = [
        alter_receipt(receipt, 1, event={"event_state": "given", "event_time": "1999-01-01T00:00:00Z"}),
        alter_receipt(receipt, 1, iss="https://elsewhere.example"),
        alter_receipt(receipt, 0, alg="none"),
        alter_receipt(receipt, 0, typ="at+jwt"),
        alter_receipt(receipt, 0, alg="HS256"),
        f"{alter_receipt(receipt, 0, alg='none').rpartition('.')[0]}.",
        f"{header}.{payload}.",
        f"{header}.{payload}.{b64(bytes(flipped))}",
        sign_receipt(KeySet.generate()),
    ]
    outcomes = verify_in_node(*forged, receipt)
    assert [outcome for outcome in outcomes[:-1] if "refused" not in outcome] == []
    assert "payload" in outcomes[-1]
