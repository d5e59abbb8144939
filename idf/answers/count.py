"""A count: how many things there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._colours import plain_colours
from ._kind import AnswerKind, Chance, Value
from ._plain import LONGEST, as_stated, tidy
from ._words import (
    BEFORE_A_VALUE,
    LONGEST_VALUE,
    NUMBER_WORDS,
    WORD,
    doubts,
    is_one_sentence,
    named_numbers,
    speaks_of_the_end,
)

# A number with one of these is another number, or no exact one.
_NOT_EXACTLY = frozenset(("about", "approximately", "roughly", "least", "most", "than", "between", "almost", "nearly"))
_NOT_EXACTLY |= frozenset(("dozen", "fewer", "half", "hundred", "ish", "minus", "negative", "over", "plus", "thousand"))
_NOT_EXACTLY |= frozenset(("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "under"))


@dataclass(frozen=True)
class Count(AnswerKind):
    """A whole number from 0 on.

    Attributes:
        asked: The words that a concluding sentence must name: what is counted, and where.
        most: The most that there can be; None if nobody knows.
    """

    asked: tuple[str, ...] = ()
    most: int | None = None

    kind = "count"
    called = "the number"

    @property
    def form(self) -> str:
        return "<number>"

    def read(self, text: str) -> int | None:
        said = as_stated(text)
        if said is None or len(said) > LONGEST_VALUE or doubts(said):
            return None
        if not _NOT_EXACTLY.isdisjoint(WORD.findall(said)) or re.search(r"\bup to\b", said):
            return None
        numbers = named_numbers(said)
        number = numbers.pop() if len(numbers) == 1 else ""
        return int(number) if re.fullmatch("[0-9]{1,3}", number) else None

    def write(self, value: Value) -> str:
        return str(value)

    def mentions(self, text: str) -> bool:
        return bool(named_numbers(tidy(text[:LONGEST])))

    def guess(self, rng: Chance, initial: Value, walk: Callable[[], Sequence[str]]) -> int:
        return rng.below(10 if self.most is None else self.most + 1)

    def concludes(self, text: str) -> bool:
        return set(self.asked) <= set(WORD.findall(plain_colours(text))) and speaks_of_the_end(text)

    def leads_to_value(self, text: str) -> bool:
        words = re.findall(r"[a-z]+|\d+", tidy(text))
        said = (word for word in words if word not in BEFORE_A_VALUE)
        return next((word in NUMBER_WORDS or word.isdigit() for word in said), False)

    def may_be_bare(self, text: str) -> bool:
        return is_one_sentence(text) and (len(text.split()) == 1 or self.concludes(text))


KIND = Count
