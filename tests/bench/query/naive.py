"""Strawberry as in its documentation: a permission class on each field, and PyJWT in the context."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import strawberry
import uvicorn
from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.permission import BasePermission
from strawberry.types import Info

FIELDS: list[str] = json.loads(os.environ["BENCH_FIELDS"])
POLICY: dict[str, list[str]] = json.loads(os.environ["BENCH_POLICY"])
KEY: Any = jwt.PyJWK(json.loads(os.environ["BENCH_JWK"])).key

_client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["BENCH_MONGO_URL"])
_people = _client[os.environ["BENCH_DATABASE"]]["people"]


def build_permission(attribute: str) -> type[BasePermission]:
    """Return a permission class: it requires a purpose that the token has, allowed and not refused."""

    class PurposePermission(BasePermission):
        message = f"{attribute} may not be seen"

        def has_permission(self, source: Any, info: Info, **_: Any) -> bool:
            token_purposes = info.context["purposes"]
            return any(
                purpose in token_purposes and purpose not in source["refused"]
                for purpose in POLICY[attribute]
            )

    return PurposePermission


def build_attribute_field(attribute: str) -> Any:
    """Return a field that shows an attribute to tokens with the permission."""
    *_, name = attribute.split(".")

    def resolve_value(root: strawberry.Parent[Any]) -> Any:
        return root["of"].get(name)

    return strawberry.field(resolver=resolve_value, permission_classes=[build_permission(attribute)])


def build_group_field(name: str) -> Any:
    """Return a field of a group of attributes."""

    def resolve_group(root: strawberry.Parent[Any]) -> Any:
        return {"of": root["of"].get(name) or {}, "refused": root["refused"]}

    return strawberry.field(resolver=resolve_group)


@strawberry.type
class Identity:
    """Name of a person."""

    given_name: str | None = build_attribute_field("identity.givenName")
    family_name: str | None = build_attribute_field("identity.familyName")


@strawberry.type
class Address:
    """Postal address of a person."""

    street: str | None = build_attribute_field("contact.address.street")
    city: str | None = build_attribute_field("contact.address.city")
    postal_code: str | None = build_attribute_field("contact.address.postalCode")
    country: str | None = build_attribute_field("contact.address.country")


@strawberry.type
class Contact:
    """Contact data of a person."""

    email: str | None = build_attribute_field("contact.email")
    phone: str | None = build_attribute_field("contact.phone")
    address: Address = build_group_field("address")


@strawberry.type
class Demographics:
    """Age of a person."""

    birth_date: str | None = build_attribute_field("demographics.birthDate")


def _resolve_amount(root: strawberry.Parent[Any]) -> str:
    return str(root["amount"])


def _resolve_currency(root: strawberry.Parent[Any]) -> str:
    return str(root["currency"])


@strawberry.type
class Money:
    """An amount of money."""

    amount: str = strawberry.field(resolver=_resolve_amount)
    currency: str = strawberry.field(resolver=_resolve_currency)


@strawberry.type
class Commerce:
    """Purchases of a person."""

    loyalty_tier: str | None = build_attribute_field("commerce.loyaltyTier")
    lifetime_value: Money | None = build_attribute_field("commerce.lifetimeValue")
    order_count: int | None = build_attribute_field("commerce.orderCount")


@strawberry.type
class Preferences:
    """Preferences of a person."""

    language: str | None = build_attribute_field("preferences.language")


def _resolve_id(root: strawberry.Parent[Any]) -> strawberry.ID:
    return strawberry.ID(root["of"]["_id"])


@strawberry.type
class Customer:
    """A customer."""

    id: strawberry.ID = strawberry.field(resolver=_resolve_id)
    identity: Identity = build_group_field("identity")
    contact: Contact = build_group_field("contact")
    demographics: Demographics = build_group_field("demographics")
    commerce: Commerce = build_group_field("commerce")
    preferences: Preferences = build_group_field("preferences")


@strawberry.type
class Customers:
    """A page of customers."""

    nodes: list[Customer]


@strawberry.type
class Query:
    """Root queries."""

    @strawberry.field
    async def customer(self, id: strawberry.ID) -> Customer | None:  # noqa: A002 - the name of the argument
        """Return one customer."""
        document = await _people.find_one({"_id": id}, FIELDS)
        return document and _build_source(document)  # type: ignore[return-value]

    @strawberry.field
    async def customers(self, first: int) -> Customers:
        """Return the first customers in their order."""
        documents = await _people.find({}, FIELDS, sort=[("n", 1)], limit=first).to_list(None)
        return Customers(nodes=[_build_source(document) for document in documents])


def _build_source(document: dict[str, Any]) -> Any:
    return {"of": document, "refused": document["refused"]}


class TokenCheckingEndpoint(GraphQL[Any, Any]):
    """GraphQL endpoint that verifies the token of each request."""

    async def get_context(self, request: Any, response: Any) -> Any:  # noqa: ARG002 - the signature of the base class
        """Return a context with the purposes of the token."""
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, KEY, algorithms=["EdDSA"], audience="discretion")
        return {"purposes": set(claims["purposes"])}


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Close the connections to MongoDB when the server stops."""
    yield
    await _client.close()


if __name__ == "__main__":
    app = Starlette(
        lifespan=lifespan, routes=[Route("/graphql", TokenCheckingEndpoint(strawberry.Schema(query=Query)))]
    )
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), access_log=False, log_level="warning"
    )
