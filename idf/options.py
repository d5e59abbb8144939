"""Options of a command line made from a recipe's dataclass, so that none is typed twice."""

from __future__ import annotations

import argparse
import dataclasses
import json
import types
import typing
from collections.abc import Collection, Iterator
from dataclasses import MISSING
from typing import Any, Literal, Protocol


class Adds(Protocol):
    """A parser, or a group of its options."""

    def add_argument(self, *names: str, **settings: Any) -> Any:
        """As argparse's."""


def add_options(parser: Adds, kind: type, skip: Collection[str] = ()) -> list[str]:
    """Add an option for each key of a dataclass that says what it is (`idf.recipe.key(help=...)`).

    What is not given on the command line is not in the recipe's overrides, so that a recipe file decides over it.

    Args:
        parser: The parser, or a group of it.
        kind: The dataclass.
        skip: Keys that have an option already.

    Returns:
        The keys that got one.
    """
    hints, added = typing.get_type_hints(kind), []
    for field in dataclasses.fields(kind):
        told = field.metadata.get("help")
        if not told or field.name in skip:
            continue
        settings: dict[str, Any] = {"dest": field.name, "default": None, "help": told + _default_in_words(field, told)}
        sort = _inner(hints[field.name])
        if sort is bool:
            settings |= {"action": "store_true"}
        else:
            if typing.get_origin(sort) is Literal:
                settings |= {"choices": typing.get_args(sort)}
            else:
                settings |= {"metavar": _metavar(field.name, sort)}
            if sort in (int, float) and not _words(hints[field.name]):
                settings |= {"type": sort}
            if field.metadata.get("repeated"):
                settings |= {"action": "append"}
        parser.add_argument(f"--{field.name.replace('_', '-')}", **settings)
        added.append(field.name)
    return added


def overrides_of(arguments: argparse.Namespace, kind: type) -> Iterator[str]:
    """The options that were given, as overrides of `idf.recipe.read_recipe`.

    Args:
        arguments: What was parsed.
        kind: The dataclass whose keys are looked for.
    """
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        value = getattr(arguments, field.name, None)
        if value is None or not field.metadata.get("help"):
            continue
        sort = _inner(hints[field.name])
        if typing.get_origin(sort) is list:
            words = value if isinstance(value, list) else [word.strip() for word in value.split(",")]
            yield f"{field.name}={json.dumps(words)}"
        elif sort is str:
            yield f"{field.name}={json.dumps(str(value))}"
        else:  # numbers, words, maps: as YAML reads them
            yield f"{field.name}={json.dumps(value) if isinstance(value, bool) else value}"


def _inner(hint: Any) -> Any:
    """The type of a value that is there: of `int | None` the int."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(arg for arg in typing.get_args(hint) if arg is not type(None))
    return hint


def _words(hint: Any) -> tuple[Any, ...]:
    """The words that may stand in the place of a number, such as temperature=default."""
    return tuple(word for arg in typing.get_args(hint) for word in typing.get_args(arg) if word is not None)


def _metavar(name: str, sort: Any) -> str:
    words = {int: "N", float: "X"}
    return "MAP" if typing.get_origin(sort) is dict else words.get(sort, name.rpartition("_")[2].upper())


def _default_in_words(field: dataclasses.Field[Any], told: str) -> str:
    if field.default is MISSING or field.default is None or field.default is False or "(default" in told:
        return ""
    shown = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
    return f" (default: {shown})".replace("%", "%%")
