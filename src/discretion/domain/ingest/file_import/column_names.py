"""Which column of a file supplied a place of a message, to say what is wrong in the words of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.import_mapping import ImportedCell, ImportMapping


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """The columns behind the places of one mapping's messages."""

    mapping: ImportMapping
    by_place: Mapping[str, str]

    @classmethod
    def collect(cls, mapping: ImportMapping) -> ColumnNames:
        """Collect the places that a mapping fills."""
        places: dict[str, ImportedCell | None] = {
            "timestamp": mapping.time,
            "userId": mapping.user_id or mapping.anonymous_id,
            "anonymousId": mapping.anonymous_id,
            **{f"traits.{trait}": cell for trait, cell in mapping.traits.items()},
        }
        for event in mapping.events:
            places |= {f"{event.name}:properties.{name}": cell for name, cell in event.properties.items()}
            places |= {f"{event.name}:traits.{name}": cell for name, cell in event.properties.items()}
            places[f"{event.name}:timestamp"] = event.time
        return cls(mapping, {place: cell.column for place, cell in places.items() if cell and cell.column})

    def find_column(self, message: Mapping[str, object], place: str) -> str:
        """Return the column that supplied a place of a message, or the place itself if no column did."""
        event = message.get("event", message["type"])
        column = self.by_place.get(f"{event}:{place}") or self.by_place.get(place)
        return column or self._find_listed_column(message, place) or place

    def _find_listed_column(self, message: Mapping[str, object], place: str) -> str | None:
        """Return the column of an id in ``context.externalIds``, by its type at that position."""
        context = message.get("context")
        external_ids = context.get("externalIds") if isinstance(context, dict) else None
        steps = place.split(".")
        if place.startswith("context.externalIds.") and isinstance(external_ids, list) and steps[2].isdigit():
            identifier_type = external_ids[int(steps[2])]["type"]
            cells = {each.type: each.cell for each in self.mapping.identifiers}
            return cells[identifier_type].column
        return None
