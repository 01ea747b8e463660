"""GraphQL fields whose types are built from the catalogue, and the services of their resolvers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry
from strawberry.types.field import StrawberryField

ServicesT = TypeVar("ServicesT")
ResultT = TypeVar("ResultT")
ArgumentsP = ParamSpec("ArgumentsP")


def build_field(
    resolve: Callable[..., object],
    name: str,
    graphql_type: Any,
    description: str,
    directives: Sequence[object] = (),
) -> StrawberryField:
    """Build a field with a type that exists only after the catalogue was loaded."""
    field = strawberry.field(
        resolver=resolve, name=name, graphql_type=graphql_type, description=description, directives=directives
    )
    assert isinstance(field, StrawberryField)
    field.python_name = name
    return field


def bind_services(
    provide: Callable[[], ServicesT], resolve: Callable[Concatenate[ServicesT, ArgumentsP], ResultT]
) -> Callable[ArgumentsP, ResultT]:
    """Return a resolver that gets the services of its package as the first argument.

    ``provide`` is called when the resolver runs, so that a schema can be printed without a database.
    """

    def resolve_with_services(*args: ArgumentsP.args, **kwargs: ArgumentsP.kwargs) -> ResultT:
        return resolve(provide(), *args, **kwargs)

    # Strawberry reads the arguments of the field from the signature, and looks the names of their types up in
    # the module.
    signature = inspect.signature(resolve)
    bound: Any = resolve_with_services
    bound.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
    bound.__module__, bound.__name__ = resolve.__module__, resolve.__name__
    return resolve_with_services
