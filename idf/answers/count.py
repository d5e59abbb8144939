"""A count: how many things there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._colours import plain_colours, spelled_as
from ._kind import AnswerKind, Chance, Value
from ._plain import LONGEST, as_stated, tidy
from ._value import elsewhere, value_with_remarks
from ._words import (
    AROUND,
    BEFORE_A_VALUE,
    LONGEST_VALUE,
    NUMBER_WORDS,
    PLACES,
    WORD,
    is_mark,
    named_numbers,
    speaks_of_the_end,
    tokens,
)

# Words that may stand around the one number, besides what is counted and where
_WORDS = AROUND | frozenset(
    [
        "contain",
        "contains",
        "has",
        "color",
        "colored",
        "colour",
        "coloured",
        "count",
        "counted",
        "cube",
        "cubes",
        "e",
        "exactly",
        "face",
        "faces",
        "grid",
        "namely",
        "number",
        "amount",
        "only",
        "panel",
        "panels",
        "piece",
        "pieces",
        "side",
        "small",
        "square",
        "squares",
        "sticker",
        "stickers",
        "tile",
        "tiles",
        "unit",
        "visible",
    ]
)
_AFTER = re.compile(
    r"\bafter (?:(?:completing|performing|making|applying|executing|doing|taking|following|finishing|all|of|the|these|"
    r"those|both|this|"
    r"last|final|whole|entire|full|given|move|rotation|turn) ){0,6}(?:moves?|rotations?|turns?|sequence)\b"
    r"(?: ?[\"'(]?(?:\b[udlrfb][23]?\b[ ,]{0,2}){1,20}[\"')]?)?"
)
_SIZE = re.compile(
    r"\b(\d) ?(?:x|×|\*|by) ?\1(?: ?(?:x|×|\*|by) ?\1)?(?=(?: small| unit)?(?: \w+)? ?(?:square|face|cube|grid|panel|"
    r"tile|sticker|rubik|$))"
)
_SUM = re.compile(r"(\d{1,3}(?: ?\+ ?\d{1,3}){1,20}) ?= ?(\d{1,3})(?![\d.])")
_BOUND = re.compile(r"[\s*`]*(?:[<>]\s*\d|#\d)")  # no quotation: a mark that `tidy` would drop
_SEVERAL = re.compile(r"\W*\d{1,3}(?:\s*[;.|/\n]\s*\d{1,3})+\W*")  # "4; 7; 3", or a list of one: "1. 7"
_THERE_ARE = re.compile(r"(?:so |thus |therefore |hence )?,? ?there (?:are|is)\b")
_NOT_ONE = re.compile(
    r"\b(?:face|square|panel|side|position|sticker|tile|piece|view|cube) \d|[-+~≈<>≤≥±] ?\d|\d ?[-+%/^*] ?(?:\d|$)|\d[+%]"
)


@dataclass(frozen=True)
class Count(AnswerKind):
    """A whole number from 0 on.

    Attributes:
        asked: The words of the place where things are counted; a number of another place is no answer.
        colour: The colour of the things that are counted; those of another colour are others. Empty if any.
        colours: The names of colours that texts may use.
        most: The most that there can be; None if nobody knows.
    """

    asked: tuple[str, ...] = ()
    colour: str = ""
    colours: tuple[str, ...] = ()
    most: int | None = None

    kind = "count"
    called = "the number"

    @property
    def form(self) -> str:
        return "<number>"

    def read(self, text: str) -> int | None:
        said = as_stated(text)
        if said is None or len(said) > LONGEST_VALUE or "?" in said or _BOUND.match(text):
            return None
        said = spelled_as(said, self.colours)
        if _SEVERAL.fullmatch(said) and not (self.most and re.fullmatch(rf"\W*\d ?/ ?{self.most}\W*", said)):
            return None
        said = _SUM.sub(_of_sum, _SIZE.sub(" ", _AFTER.sub(" ", said)))
        if self.most is not None:
            said = re.sub(rf"\b(\d) ?/ ?{self.most}\b", r"\1", said)
        said = re.sub(rf"\bno (?=(?:{self.colour or 'such'} )?(?:squares|panels|stickers|tiles)\b)", "0 ", said)
        return value_with_remarks(said, self.colours, self._whole)

    def _whole(self, text: str) -> int | None:
        """The number of a text of which every word is understood."""
        if elsewhere(text, self.asked) or _NOT_ONE.search(text):
            return None
        numbers: set[str] = set()
        for token in tokens(text):
            if token[0].isdigit():
                numbers.add(token)
            elif token in NUMBER_WORDS:
                numbers.add(str(NUMBER_WORDS.index(token)))
            elif not (
                token in _WORDS
                or token in PLACES
                or (self.colour and token in (self.colour, self.colour[0]))
                or is_mark(token)
            ):
                return None
        number = numbers.pop() if len(numbers) == 1 else ""
        return (
            int(number)
            if re.fullmatch("[0-9]{1,3}", number) and not re.search(r"\d[a-z_]|[a-z_]\d|\d \d", text)
            else None
        )

    def write(self, value: Value) -> str:
        return str(value)

    def mentions(self, text: str) -> bool:
        return bool(named_numbers(tidy(text[:LONGEST])))

    def guess(self, rng: Chance, initial: Value, walk: Callable[[], Sequence[str]]) -> int:
        return rng.below(10 if self.most is None else self.most + 1)

    def names_all(self, text: str) -> bool:
        said = {PLACES.get(word, word) for word in WORD.findall(plain_colours(text))}
        wanted = (*self.asked, plain_colours(self.colour)) if self.colour else self.asked
        return {PLACES.get(word, word) for word in wanted} <= said

    def names_another(self, text: str, value: Value) -> bool:
        return not named_numbers(text) <= {str(value)}

    def concludes(self, text: str) -> bool:
        return bool(_THERE_ARE.match(text))

    def leads_to_value(self, text: str) -> bool:
        words = re.findall(r"[a-z]+|\d+", tidy(text))
        said = (word for word in words if word not in BEFORE_A_VALUE and word != self.colour)
        return next((word in NUMBER_WORDS or word.isdigit() for word in said), False)

    def may_be_bare(self, text: str) -> bool:
        return speaks_of_the_end(_AFTER.sub("after all", text))


def _of_sum(match: re.Match[str]) -> str:
    """The value of a sum that adds up; one that does not stays as it is."""
    return match[2] if sum(map(int, match[1].split("+"))) == int(match[2]) else match[0]


KIND = Count
