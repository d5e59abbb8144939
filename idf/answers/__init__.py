"""The kinds of answers: each knows how to ask for itself, and how to read, write, mention and guess itself.

A room below the worlds, which import it; it knows nothing of them. Each public module of this package is one kind, whole,
and defines `KIND`, its class. A new kind is one more file here.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ._colours import plain_colours, spelled_as
from ._kind import AnswerKind, Chance, Value
from ._list_markers import IS_ITEM
from ._notation import Named, Notation, Phrases
from ._plain import LONGEST, json_value, tidy, unwrapped
from ._undetermined import UNDETERMINED, OrUndetermined
from ._words import says_it_is_the_end

KINDS: dict[str, type[AnswerKind]] = {
    kind.kind: kind
    for module in sorted(iter_modules(__path__), key=lambda module: module.name)
    if not module.name.startswith("_")
    for kind in [import_module(f"{__name__}.{module.name}").KIND]
}
"""Kind of answer by the name that suites and results store."""

__all__ = [
    "IS_ITEM",
    "KINDS",
    "LONGEST",
    "UNDETERMINED",
    "AnswerKind",
    "Chance",
    "Named",
    "Notation",
    "OrUndetermined",
    "Phrases",
    "Value",
    "json_value",
    "plain_colours",
    "says_it_is_the_end",
    "spelled_as",
    "tidy",
    "unwrapped",
]
