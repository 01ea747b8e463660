"""Strawberry as its documentation shows it: a permission class on each field, PyJWT in the context."""

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


def may(attribute: str) -> type[BasePermission]:
    """A permission: a purpose that the token holds, the policy allows and the person has not refused."""

    class Allowed(BasePermission):
        message = f"{attribute} may not be seen"

        def has_permission(self, source: Any, info: Info, **_: Any) -> bool:
            held = info.context["purposes"]
            return any(one in held and one not in source["refused"] for one in POLICY[attribute])

    return Allowed


def shown(attribute: str) -> Any:
    """A field that shows an attribute to those who may see it."""
    *_, name = attribute.split(".")

    def value(root: strawberry.Parent[Any]) -> Any:
        return root["of"].get(name)

    return strawberry.field(resolver=value, permission_classes=[may(attribute)])


def group(name: str) -> Any:
    """A field that leads to a group of attributes."""

    def inner(root: strawberry.Parent[Any]) -> Any:
        return {"of": root["of"].get(name) or {}, "refused": root["refused"]}

    return strawberry.field(resolver=inner)


@strawberry.type
class Identity:
    """Who somebody is."""

    given_name: str | None = shown("identity.givenName")
    family_name: str | None = shown("identity.familyName")


@strawberry.type
class Address:
    """Where somebody lives."""

    street: str | None = shown("contact.address.street")
    city: str | None = shown("contact.address.city")
    postal_code: str | None = shown("contact.address.postalCode")
    country: str | None = shown("contact.address.country")


@strawberry.type
class Contact:
    """How to reach somebody."""

    email: str | None = shown("contact.email")
    phone: str | None = shown("contact.phone")
    address: Address = group("address")


@strawberry.type
class Demographics:
    """Of what age somebody is."""

    birth_date: str | None = shown("demographics.birthDate")


@strawberry.type
class Commerce:
    """What somebody buys."""

    loyalty_tier: str | None = shown("commerce.loyaltyTier")
    lifetime_value: float | None = shown("commerce.lifetimeValue")
    order_count: int | None = shown("commerce.orderCount")


@strawberry.type
class Preferences:
    """What somebody likes."""

    language: str | None = shown("preferences.language")


def _id(root: strawberry.Parent[Any]) -> strawberry.ID:
    return strawberry.ID(root["of"]["_id"])


@strawberry.type
class Customer:
    """A person."""

    id: strawberry.ID = strawberry.field(resolver=_id)
    identity: Identity = group("identity")
    contact: Contact = group("contact")
    demographics: Demographics = group("demographics")
    commerce: Commerce = group("commerce")
    preferences: Preferences = group("preferences")


@strawberry.type
class Customers:
    """A page of persons."""

    nodes: list[Customer]


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    async def customer(self, id: strawberry.ID) -> Customer | None:  # noqa: A002 - the name of the argument
        """One."""
        found = await _people.find_one({"_id": id}, FIELDS)
        return found and _source(found)  # type: ignore[return-value]

    @strawberry.field
    async def customers(self, first: int) -> Customers:
        """Several, in their order."""
        found = await _people.find({}, FIELDS, sort=[("n", 1)], limit=first).to_list(None)
        return Customers(nodes=[_source(one) for one in found])


def _source(document: dict[str, Any]) -> Any:
    return {"of": document, "refused": document["refused"]}


class Door(GraphQL[Any, Any]):
    """The GraphQL endpoint, which verifies the token of each request."""

    async def get_context(self, request: Any, response: Any) -> Any:  # noqa: ARG002 - as it is called
        """The purposes of the token."""
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, KEY, algorithms=["EdDSA"], audience="discretion")
        return {"purposes": set(claims["purposes"])}


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """MongoDB's connections end with the server."""
    yield
    await _client.close()


if __name__ == "__main__":
    app = Starlette(lifespan=lifespan, routes=[Route("/graphql", Door(strawberry.Schema(query=Query)))])
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), access_log=False, log_level="warning"
    )
