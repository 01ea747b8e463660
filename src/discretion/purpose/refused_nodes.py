"""What a person refuses, as purposes and nodes of their tree: what reaches the records of others. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from discretion.catalogue.model import Family, Purpose
from discretion.purpose.effective_choice import compute_effective_choice
from discretion.purpose.permissions import REFUSABLE
from discretion.purpose.statements import RecordStatements, list_purpose_path


def list_refused_nodes(
    purposes: Mapping[str, Purpose], records: Sequence[RecordStatements], now_ms: int
) -> tuple[str, ...]:
    """Return what the statements of one person refuse at ``now_ms``, sorted.

    A node of the tree is named besides the purposes below it if all of these are refused: it also covers
    purposes that are added later. An opt-out signal refuses sale and sharing, whatever the law of the person:
    the records that it reaches may be of somebody whom another law protects.

    Args:
        purposes: The purposes of the catalogue by key.
        records: The statements of each source record of the person.
        now_ms: The present in ms.
    """
    if not any(record.has_choices or record.opted_out_at is not None for record in records):
        return ()
    refused: set[str] = set()
    accepted: set[str] = set()
    refusable = [purpose for purpose in purposes.values() if purpose.basis in REFUSABLE]
    for purpose in refusable:
        choice = compute_effective_choice(purpose, records, now_ms)
        if choice.accepted is False or (choice.opted_out and purpose.family is Family.SHARING):
            refused.add(purpose.key)
        else:
            accepted.update(list_purpose_path(purpose.key))
    stated = {node for record in records for node in record.nodes} - purposes.keys() - accepted
    for node in stated if refusable else ():
        # Judged as a purpose of its own; how long an acceptance of it lasts makes no difference.
        if compute_effective_choice(replace(refusable[0], key=node), records, now_ms).accepted is False:
            refused.add(node)
    return tuple(sorted(refused))
