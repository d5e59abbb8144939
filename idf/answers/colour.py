"""A colour: the one that a thing shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._colours import plain_colours, spelled_as
from ._kind import AnswerKind, Chance, Value
from ._plain import LONGEST, as_stated, tidy
from ._words import BEFORE_A_VALUE, LONGEST_VALUE, WORD, doubts, is_one_sentence, speaks_of_the_end


@dataclass(frozen=True)
class Colour(AnswerKind):
    """One of some names of colours, in the spelling of its world.

    Attributes:
        colours: The names.
        asked: The words that a concluding sentence must name: the place whose colour is asked.
    """

    colours: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    kind = "colour"
    called = "the colour"

    @property
    def form(self) -> str:
        return "<colour>"

    def read(self, text: str) -> str | None:
        said = as_stated(text)
        if said is None or len(said) > LONGEST_VALUE or doubts(said):
            return None
        named = self._named(said)
        return named.pop() if len(named) == 1 else None

    def write(self, value: Value) -> str:
        return str(value)

    def mentions(self, text: str) -> bool:
        return bool(self._named(tidy(text[:LONGEST])))

    def guess(self, rng: Chance, initial: Value, walk: Callable[[], Sequence[str]]) -> str:
        return rng.choice(self.colours)

    def concludes(self, text: str) -> bool:
        return set(self.asked) <= set(WORD.findall(plain_colours(text))) and speaks_of_the_end(text)

    def leads_to_value(self, text: str) -> bool:
        words = WORD.findall(spelled_as(tidy(text), self.colours))
        return next((word in self.colours for word in words if word not in BEFORE_A_VALUE), False)

    def may_be_bare(self, text: str) -> bool:
        return is_one_sentence(text) and (len(text.split()) == 1 or self.concludes(text))

    def _named(self, text: str) -> set[str]:
        return set(WORD.findall(spelled_as(text, self.colours))) & set(self.colours)


KIND = Colour
