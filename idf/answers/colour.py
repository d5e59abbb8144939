"""A colour: the one that a thing shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._colours import plain_colours, spelled_as
from ._kind import AnswerKind, Chance, Value
from ._plain import LONGEST, as_stated, tidy
from ._value import elsewhere, value_with_remarks, without_path
from ._words import AFTER_ALL, AROUND, BEFORE_A_VALUE, LONGEST_VALUE, PLACES, WORD, is_mark, speaks_of_the_end, tokens

# Words that may stand around the one colour, besides the places that are asked
_WORDS = (
    AROUND
    | AFTER_ALL
    | frozenset(
        [
            "appear",
            "appears",
            "bright",
            "color",
            "colored",
            "colour",
            "coloured",
            "corner",
            "cube",
            "cubes",
            "dark",
            "deep",
            "edge",
            "edges",
            "face",
            "faces",
            "facing",
            "light",
            "one",
            "panel",
            "piece",
            "pure",
            "shade",
            "side",
            "sides",
            "solid",
            "square",
            "squares",
            "sticker",
            "tile",
            "become",
            "column",
            "row",
        ]
    )
)
_BUT = re.compile(r"\b(?:said|thought|was|wrote|had|changed?|changing)\b.*\b(?:but|however|now|to|is)\b")
_THINGS = re.compile(
    r"\b(?:faces?|sides?|cubes?|squares?|colou?rs?|top|bottom|left|right|front|back|blocks?|start|rolls?|stickers?|pieces?|up|"
    r"down|view|not|thought|first|was|were|below|above|behind|under|moved|moves|went|goes|be it)\b|n't\b"
)
_THAT_IS = re.compile(r",? ?(?:\bi\.? ?e\.?|\bthat is|\bnamely|\bin other words)[,:]? |, (?=\w+[.!]?$)")
# "the same colour as the centre", "the colour of the back face at the start": no colour yet, and none is excluded
_LIKE = frozenset(
    [
        "the",
        "same",
        "color",
        "colour",
        "as",
        "of",
        "face",
        "at",
        "start",
        "beginning",
        "before",
        "it",
        "was",
        "is",
        "in",
        "on",
        "side",
        "that",
        "square",
    ]
)
_EXCLUDED = re.compile(
    r"[,;]? ?\(?\b(?:and |but )?(?:not|rather than|instead of) (?:the )?(\w+)(?: (?:or|and|nor) (\w+))?\)?(?=[.! ]*$)"
)


@dataclass(frozen=True)
class Colour(AnswerKind):
    """One of some names of colours, in the spelling of its world.

    Attributes:
        colours: The names.
        asked: The words of the place whose colour is asked; a colour of another place is no answer.
        cell: Row and column of that place, from 1, if it is one of a grid.
    """

    colours: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    cell: tuple[int, int] | None = None

    kind = "colour"
    called = "the colour"

    @classmethod
    def of_colours(cls, colours: Sequence[str]) -> Colour:
        return cls(tuple(colours))

    @property
    def form(self) -> str:
        return "<colour>"

    def read(self, text: str) -> str | None:
        said = as_stated(text)
        if said is None or len(said) > LONGEST_VALUE or "?" in said:
            return None
        return value_with_remarks(self._without_cell(spelled_as(said, self.colours)), self.colours, self._whole)

    def _whole(self, text: str) -> str | None:
        """The colour of a text of which every word is understood."""
        excluded: set[str] = set()
        if out := _EXCLUDED.search(text):
            excluded = {word for word in out.groups() if word}
            if not excluded <= set(self.colours):
                return None
            text = text[: out.start()]
        *before, last = _THAT_IS.split(text)
        if before and all(set(WORD.findall(part)) <= _LIKE | set(PLACES) for part in before):
            text = last
        named = {word for word in WORD.findall(text) if word in self.colours}
        if len(named) != 1 or not named.isdisjoint(excluded) or elsewhere(text, self.asked):
            return None
        value = named.pop()
        glosses = {value[0]} | ({self.asked[0][0]} if self.asked else set())
        known = _WORDS | set(self.asked) | set(PLACES) | glosses | {value}
        if re.search(rf"\b{value}['\u2019]s\b|!\(?[a-z]|(?<![a-z])-{value}", text):
            return None
        return value if all(token in known or is_mark(token) for token in tokens(text)) else None

    def _without_cell(self, text: str) -> str:
        """The text without the row and column that are asked."""
        if self.cell is None:
            return text
        row, column = self.cell
        return re.sub(rf"\b(?:in |at |of )?\(?row {row},? (?:and )?col(?:umn)? {column}\)?", " ", text)

    def write(self, value: Value) -> str:
        return str(value)

    def mentions(self, text: str) -> bool:
        return bool(self._named(tidy(text[:LONGEST])))

    def guess(self, rng: Chance, initial: Value, walk: Callable[[], Sequence[str]]) -> str:
        return rng.choice(self.colours)

    def names_all(self, text: str) -> bool:
        said = {PLACES.get(word, word) for word in WORD.findall(plain_colours(text))}
        return {PLACES.get(word, word) for word in self.asked} <= said

    def names_another(self, text: str, value: Value) -> bool:
        return not self._named(text) <= {value}

    def is_contradicted(self, text: str, value: Value) -> bool:
        """One other colour, and nothing that has it: no face, no cube and no side."""
        named = self._named(text)
        if value in named:
            return len(named) == 2 and bool(_BUT.search(text))
        return len(named) == 1 and not _THINGS.search(text)

    def concludes(self, text: str) -> bool:
        """Whoever names a square and its face speaks of nothing else."""
        return self.cell is not None

    def leads_to_value(self, text: str) -> bool:
        words = WORD.findall(spelled_as(tidy(text), self.colours))
        return next((word in self.colours for word in words if word not in BEFORE_A_VALUE), False)

    def may_be_bare(self, text: str) -> bool:
        return speaks_of_the_end(without_path(text))

    def _named(self, text: str) -> set[str]:
        return set(WORD.findall(spelled_as(text, self.colours))) & set(self.colours)


KIND = Colour
