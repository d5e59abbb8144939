"""What a text says of a state in part: slots (a face, a cell, the player) and the values that it gives them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

ALL = "all"
"""Stands for every slot of a state, where a text says that nothing changes."""


class Fact(NamedTuple):
    """One value that a text gives.

    Attributes:
        slot: Which part of the state.
        values: What it may be: several if an initial fits several colours.
        when: "old" for what held before a step ("the left face, which was red"), "new" for what a step brings ("now"),
            "" if the text does not say.
        begin: Where in the text it is said.
        end: Where it ends.
    """

    slot: Hashable
    values: frozenset[Hashable]
    when: str
    begin: int
    end: int


@dataclass
class Conventions:
    """How one trace writes things.

    Attributes:
        letters: Letter -> colour, as a legend of the trace defines them.
        order: The order in which it lists faces; empty for the usual one.
        first: What it counts rows and columns from, 0 or 1.
        axes: The axes that its pairs of coordinates name.
    """

    letters: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    first: int = 0
    axes: str = ""


class Token(NamedTuple):
    """A word, number or sign of a text, in lower case."""

    text: str
    begin: int
    end: int


_TOKEN = re.compile(r"-?\d+|[a-z]+(?:['’][a-z]+)?|-+>|=+>|<-+|→|⇒|➔|➡|⟶|←|[^\s\w]")
_ARROWS = {"->": "→", "-->": "→", "=>": "→", "==>": "→", "⇒": "→", "➔": "→", "➡": "→", "⟶": "→", "<-": "←", "<--": "←"}


def tokens(text: str) -> list[Token]:
    """The words, whole numbers and signs of a text in lower case; arrows are one sign."""
    found = []
    for match in _TOKEN.finditer(text):
        word = match[0]
        found.append(Token(_ARROWS.get(word, word), match.start(), match.end()))
    return found


def colour_of(word: str, colours: Mapping[str, str], letters: Mapping[str, str]) -> frozenset[Hashable]:
    """The colours that a word can mean: a colour's name, a letter of the legend, or the beginning of names.

    Args:
        word: The word, in lower case.
        colours: Every spelling of a colour -> the colour, as the world spells it.
        letters: The legend of the trace.
    """
    if word in colours:
        return frozenset((colours[word],))
    if letters.get(word) in colours:
        return frozenset((colours[letters[word]],))
    if not word.isalpha() or len(word) > 3 or len(letters) > 2:
        return frozenset()
    taken = {colours[colour] for colour in letters.values() if colour in colours}
    fits = {colour for name, colour in colours.items() if name.startswith(word)}
    fits |= {colour for name, colour in colours.items() if len(word) == 2 and name[0] + name[-1] == word}
    if word == "k" and "black" in colours:
        fits.add("black")
    return frozenset(fits - taken)


def spellings(colours: Iterable[str]) -> dict[str, str]:
    """Every spelling of a world's colours -> the colour as the world spells it: gray and grey are one."""
    found = {}
    for colour in colours:
        found[colour] = found[colour.replace("gray", "grey")] = found[colour.replace("grey", "gray")] = colour
    return found


_PAIR = re.compile(
    r"(?<![a-z])['\"]?([a-z]{1,2})['\"]?(?:\s*(?:=|:|->|→|for|is|means|stands for)\s*|\s)['\"]?"
    r"(red|yellow|blue|green|gr[ae]y|black|orange)\b"
)
_PAIR_BACK = re.compile(
    r"\b(red|yellow|blue|green|gr[ae]y|black|orange)\s*(?:=|:|->|→|\(|is)\s*['\"]?([a-z]{1,2})['\"]?(?![a-z])"
)


_NAMES_COLOUR = re.compile("red|yellow|blue|green|gr[ae]y|black|orange")
_STANDS_FOR = re.compile(
    r"(?<![a-z])([a-z]{1,2}) (?:stands for|means|for) (red|yellow|blue|green|gr[ae]y|black|orange)\b"
)


def legend_of(line: str) -> dict[str, str]:
    """The legend that a line in lower case gives, letter -> colour; empty if it gives none.

    "R = red, K = black, A = gray" is a legend; "T = red, B = yellow, L = gray" are the faces of a cube.
    """
    if len(line) > 2000 or not _NAMES_COLOUR.search(line):
        return {}
    told = {match[1]: match[2].replace("grey", "gray") for match in _STANDS_FOR.finditer(line)}
    pairs = [(match[1], match[2]) for match in _PAIR.finditer(line)]
    pairs = pairs or [(match[2], match[1]) for match in _PAIR_BACK.finditer(line)]
    strange = [letters for letters, colour in pairs if not set(letters) <= set(colour.replace("grey", "graye"))]
    if len(pairs) < 3 or len(strange) > (len(pairs) > 3):
        return told
    return {letters: colour.replace("grey", "gray") for letters, colour in pairs}


def read_conventions(lines: Sequence[str]) -> Conventions:
    """How a trace writes colours.

    Args:
        lines: Its lines, in lower case.
    """
    conventions = Conventions()
    for line in lines:
        conventions.letters.update(legend_of(line))
    return conventions
