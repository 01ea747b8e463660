"""Texts of the server name fields and arguments that the GraphQL schema has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from graphql import GraphQLInputObjectType, GraphQLObjectType, build_schema

import discretion
from discretion.edge.graphql.schema_files import SDL_PATH

CALL = re.compile(r"(?<!@)\b([a-z]\w+)\(([^()\s]*\b\w+:[^()\n]*)\)")
"""A field with arguments, such as ``proveIdentity(request:, code:)``."""

OBJECT = re.compile(r"'(\w+): ?\{")
"""An argument that is an object, such as ``'behalf: {contact}'``."""

NAME = re.compile(r"\b(\w+):")


def read_arguments() -> tuple[dict[str, set[str]], set[str]]:
    """Return the arguments by field, and the members of all inputs."""
    arguments: dict[str, set[str]] = {}
    inputs: set[str] = set()
    for graphql_type in build_schema(SDL_PATH.read_text()).type_map.values():
        if isinstance(graphql_type, GraphQLObjectType):
            for name, field in graphql_type.fields.items():
                arguments.setdefault(name, set()).update(field.args)
        elif isinstance(graphql_type, GraphQLInputObjectType):
            inputs.update(graphql_type.fields)
    return arguments, inputs


def list_texts() -> Iterator[tuple[str, str]]:
    """Yield each text of the program with its module."""
    folder = Path(discretion.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield str(path.relative_to(folder)), node.value


def test_texts_name_arguments_of_the_schema() -> None:
    arguments, inputs = read_arguments()
    every_argument = inputs.union(*arguments.values())
    unknown: list[str] = []
    compared = 0
    for module, text in list_texts():
        for field, given in CALL.findall(text):
            if field in arguments:
                names = set(NAME.findall(given))
                compared += len(names)
                unknown += [f"{module}: {field}({name}:)" for name in names - arguments[field] - inputs]
        unknown += [f"{module}: {name}" for name in OBJECT.findall(text) if name not in every_argument]
    assert unknown == []
    assert compared > 20, "the texts were found"
