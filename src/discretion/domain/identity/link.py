"""Which messages, records and customers are one person: exact identifiers, and nothing else."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Component:
    """One person: positions of their messages, and the customers they are known as so far."""

    messages: tuple[int, ...]
    customers: frozenset[bytes]


def link(marks: Sequence[Iterable[bytes]], known: Mapping[bytes, bytes]) -> list[Component]:
    """Connected components of messages that share a mark, or whose marks lead to one customer.

    ``marks[i]`` are the blind entries of message i's identifiers and its source record;
    ``known`` maps those already on record to their customer. In the order of first messages.
    """
    parents: dict[Hashable, Hashable] = {}

    def find(node: Hashable) -> Hashable:
        parents.setdefault(node, node)
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for position, entries in enumerate(marks):
        find(position)
        for entry in entries:
            parents[find(("mark", entry))] = find(position)
            if entry in known:
                parents[find(("customer", known[entry]))] = find(position)
    messages: dict[Hashable, list[int]] = {}
    for position in range(len(marks)):
        messages.setdefault(find(position), []).append(position)
    customers: dict[Hashable, set[bytes]] = {}
    for customer in set(known.values()):
        if ("customer", customer) in parents:
            customers.setdefault(find(("customer", customer)), set()).add(customer)
    return [
        Component(tuple(positions), frozenset(customers.get(root, ())))
        for root, positions in messages.items()
    ]
