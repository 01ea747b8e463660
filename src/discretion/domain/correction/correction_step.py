"""Applying a correction: the step of a request that makes what the person said the word that is believed.

What stood before is copied, still shut, into the request beside what stands now and why. From then on
no source changes it, however often it sends again and in whichever order (``profiles.precedence``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.catalogue.model import Attribute
from discretion.domain.correction.contest_flags import flagging, lifting
from discretion.domain.correction.correction_record import Document, Owned, owned, write
from discretion.domain.correction.proposal import OLD
from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.runner import Act
from discretion.domain.kit.workflow.step_outcome import Done, Outcome
from discretion.domain.profiles.person_state import BIRTH
from discretion.domain.profiles.source_record import may_be_a_child, midnight
from discretion.errors import Broken
from discretion.reveal.corrections import opened
from discretion.seal.cell import shut
from discretion.seal.cell_transfer import move
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.driver.database import Database, Session


def correcting(database: Database, workshop: Callable[[], Workshop]) -> Act:
    """The step."""

    async def act(document: Mapping[str, Any], hold: Hold) -> Outcome:
        async def work(session: Session) -> None:
            shop = workshop()
            one = await owned(database, session, shop, document["customer"])
            if one is None:
                await hold.complete({"found": False}, session)
                return
            made = _Correction(shop, document, one)
            request = document["_id"]
            edits = {**lifting(one, request), one.record: made.edit}
            await write(database, session, shop, one, edits)
            hold.at("corrected")
            await hold.save({f"sealed.{OLD}{key}": cell for key, cell in made.old.items()}, session)
            told = {
                "found": True,
                "corrected": made.paths(removed=False),
                "removed": made.paths(removed=True),
            }
            await hold.complete(told, session)

        await database.transaction(work)
        return Done()

    return act


class _Correction:
    """What one request changes of one customer."""

    def __init__(self, shop: Workshop, document: Mapping[str, Any], one: Owned) -> None:
        self._shop = shop
        self._document = document
        self._customer: bytes = one.customer["_id"]
        keys = {self._customer: one.customer["key"]}
        keys |= {former["id"]: former["key"] for former in one.customer["merged"]}
        self._keys = {who: shop.buckets.unwrap(who, wrapped) for who, wrapped in keys.items()}
        known = (shop.catalogue.attributes.get(path) for path in document["scope"]["attributes"])
        there = {*document["sealed"], *(path.replace(".", "/") for path in document["scope"]["remove"])}
        self._attributes = [one for one in known if one is not None and one.key in there]
        self.old = dict(self._before(one.customer))

    def edit(self, record: Document) -> Document:
        """The person's own record with what they said; an older word does not undo a younger one."""
        said, cells = (self._document["received"], self._document["_id"].hex()), dict(record["cells"])
        for attribute in self._attributes:
            stands = cells.get(attribute.key)
            if stands is None or (stands["t"], stands["m"]) < said:
                cells[attribute.key] = {"t": said[0], "m": said[1], **self._value(attribute)}
        return flagging(self._document["_id"], [])(
            {**record, "cells": cells, "last": max(record["last"], said[0])}
        )

    def paths(self, *, removed: bool) -> list[str]:
        """What was changed, or taken away."""
        gone = set(self._document["scope"]["remove"])
        return [one.path for one in self._attributes if (one.path in gone) is removed]

    def _value(self, attribute: Attribute) -> Document:
        """What is kept of an attribute; of one that is to have no value, that it has none."""
        cell = self._document["sealed"].get(attribute.key)
        if cell is None:
            return {}
        cell = self._here(cell, attribute.key)
        kept: Document = {"c": cell}
        if attribute.sealed and attribute.category != BIRTH:
            return kept
        value = opened(self._customer, self._keys[self._customer], cell, attribute.key).value
        if not attribute.sealed:
            kept = {"v": value}
        if attribute.category == BIRTH and may_be_a_child(born := midnight(value), self._shop.now):
            kept["b"] = born
        return kept

    def _here(self, cell: bytes, key: str) -> bytes:
        """A cell shut under the customer's key of today: since it was proposed they may have been merged."""
        nonce = self._shop.entropy(NONCE_BYTES)
        goal = (self._customer, self._keys[self._customer])
        for origin in self._keys.items():
            with suppress(Broken):  # shut under another of their keys
                return move(cell, key.encode(), origin, goal, nonce)
        raise Broken("SEAL_BROKEN", "A proposed value opens with no key of this customer.")

    def _before(self, customer: Document) -> Mapping[str, bytes]:
        """What stood before, shut."""
        held = customer.get("contested", {})
        sealed = {key: one["c"] for key, one in held.items() if "c" in one} | customer["s"]
        values = {key: one["v"] for key, one in held.items() if "v" in one} | customer["o"]
        times = {key: one["t"] for key, one in held.items()} | customer["t"]
        cipher = AESGCM(self._keys[self._customer])
        found = {one.key: sealed[one.key] for one in self._attributes if one.key in sealed}
        for key in (one.key for one in self._attributes if one.key in values):
            nonce = self._shop.entropy(NONCE_BYTES)
            found[key] = shut(cipher, self._customer, key.encode(), times.get(key, 0), nonce, values[key])
        return found
