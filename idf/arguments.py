"""Command lines with changes to a recipe: `key=value` anywhere between options."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from idf.errors import UserError

CHANGE = re.compile(r"[A-Za-z_][\w.]*=")
OPTION = re.compile(r"--?([A-Za-z_][\w.-]*)(?:=(.*))?", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """argparse's, but what is wrong with a command line is one sentence: the usage of `idf-eval` has thirty lines."""

    def error(self, message: str) -> NoReturn:
        """Say it on one line and end with status 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def parse_arguments(parser: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line whose `overrides`, if it has any, may stand anywhere.

    argparse takes them in one place only. Where a folder is asked for, too, a change in front of it is no folder.

    Args:
        parser: The parser. Changes to a recipe go to `overrides`. Of its defaults, `places` names the folders that it asks
            for, `may_lack` those of them that may be missing, and `others_names` maps names that other trainers use to a
            sentence on ours.
        argv: The words after the program's name.

    Raises:
        UserError: A key of a recipe was written as an option; how it is written is said.
    """
    arguments, rest = parser.parse_known_args(argv)
    if not hasattr(arguments, "overrides"):
        if rest:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        return arguments
    for word in rest:
        if option := OPTION.fullmatch(word):
            raise UserError(_as_a_change(option, argv, getattr(arguments, "others_names", {})))
    words = [*arguments.overrides, *rest]
    for place in getattr(arguments, "places", ()):
        here = getattr(arguments, place)
        given = next((word for word in words if not CHANGE.match(word)), None)
        if CHANGE.match(str(here)) and given is not None:
            words[words.index(given)] = str(here)
            setattr(arguments, place, type(here)(given))
        elif CHANGE.match(str(here)) and place in getattr(arguments, "may_lack", ()):
            words.append(str(here))
            setattr(arguments, place, None)
    arguments.overrides = sorted(words, key=list(argv).index)
    return arguments


def _as_a_change(option: re.Match[str], argv: Sequence[str], others_names: Mapping[str, str]) -> str:
    """The sentence for an option that is none: how a change to the recipe is written."""
    name, value = option[1].replace("-", "_"), option[2]
    if told := others_names.get(name):
        return f"there is no option {option[0]} here: {told}"
    if value is None:
        after = list(argv)[list(argv).index(option[0]) + 1 :][:1]
        value = after[0] if after and not after[0].startswith("--") and not CHANGE.match(after[0]) else "VALUE"
    return f"there is no option {option[0]}: if it is a key of the recipe, write {name}={value}, without dashes"
