"""The rules that the settings name, read from their files: catalogue, laws and notices, and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Catalogue
from discretion.domain.notices.editions import list_material_changes
from discretion.domain.notices.load import NoticeTemplates, load_notice_templates
from discretion.edge.graphql.schema_builder import ApiSchema, build_schema
from discretion.law.jurisdiction import Lawbook
from discretion.law.load import load_lawbook
from discretion.purpose.permission_engine import PermissionEngine
from discretion.purpose.rule_set import RuleSet, describe_rules
from discretion.settings import Settings


@dataclass(frozen=True)  # without slots, for the cached property
class RuleConfiguration:
    """The catalogue, the laws, the notices, and what follows from them."""

    catalogue: Catalogue
    lawbook: Lawbook
    notices: NoticeTemplates
    engine: PermissionEngine
    rules: RuleSet

    @cached_property
    def schema(self) -> ApiSchema:
        """The GraphQL schema; commands that answer no query do not build it."""
        return build_schema(self.catalogue)

    @property
    def indexed_keys(self) -> list[str]:
        """Keys of the attributes that customers are filtered or sorted by with an index."""
        return [attribute.key for attribute in self.catalogue.indexed_attributes]


def build_configuration(
    catalogue: Catalogue, lawbook: Lawbook, notices: NoticeTemplates
) -> RuleConfiguration:
    """Return the configuration with this catalogue, these laws and these notices."""
    engine = PermissionEngine(catalogue, lawbook.consent_law)
    return RuleConfiguration(catalogue, lawbook, notices, engine, describe_rules(catalogue, lawbook, engine))


def load_configuration(settings: Settings) -> RuleConfiguration:
    """Read the catalogue, the notices and the laws that the settings name.

    Raises:
        Misconfigured: A file is wrong; the message names each fault.
    """
    catalogue = load_catalogue(settings.catalogue_dir)
    notices = load_notice_templates(catalogue, settings.notices_dir)
    lawbook = load_lawbook(settings.jurisdictions_dir, catalogue, list_material_changes(notices.editions))
    return build_configuration(catalogue, lawbook, notices)
