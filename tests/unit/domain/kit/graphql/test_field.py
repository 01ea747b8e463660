"""Resolvers get the services of their package when the schema is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import strawberry

from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.profiles.api.customer_types import build_object_type


@dataclass(frozen=True)
class Greeter:
    """A service for the tests."""

    word: str

    def greet(self, name: str) -> str:
        return f"{self.word}, {name}"


async def resolve_greeting(greeter: Greeter, root: Any, name: str = "world") -> str:
    del root
    return greeter.greet(name)


def refuse() -> NoReturn:
    raise AssertionError("no service is needed to build a schema")


def build_greeting_schema(provide: Any) -> strawberry.Schema:
    field = build_field(bind_services(provide, resolve_greeting), "greeting", str, "A greeting.")
    query: Any = build_object_type("Query", [field], "All queries.")
    return strawberry.Schema(query=query)


def test_service_is_no_argument_of_the_field() -> None:
    assert 'greeting(name: String! = "world"): String!' in build_greeting_schema(refuse).as_str()


async def test_resolver_gets_the_service() -> None:
    schema = build_greeting_schema(lambda: Greeter("Hello"))
    result: Any = await schema.execute('{ greeting one: greeting(name: "Ann") }')
    assert result.errors is None
    assert result.data == {"greeting": "Hello, world", "one": "Hello, Ann"}
