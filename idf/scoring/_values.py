"""Reading one colour or one number."""

from __future__ import annotations

import re
from typing import Any

from idf.worlds import World

LONGEST = 500  # characters; a longer "answer" that names a colour or a number is prose
NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
# A text with one of these does not commit itself to the one thing that it names.
_DOUBT = frozenset(("not", "no", "or", "nor", "neither", "either", "maybe", "perhaps", "possibly", "might", "cannot"))
_DOUBT |= frozenset(("unknown", "unsure", "unclear", "uncertain", "undetermined", "except", "rather", "instead", "t"))
_DOUBT |= frozenset(
    ("but", "could", "false", "hardly", "if", "impossible", "incorrect", "may", "never", "non", "opposite")
)
_DOUBT |= frozenset(("un", "unless", "without", "wrong"))
# A number with one of these is another number, or no exact one.
_NOT_EXACTLY = frozenset(("about", "approximately", "roughly", "least", "most", "than", "between", "almost", "nearly"))
_NOT_EXACTLY |= frozenset(("dozen", "fewer", "half", "hundred", "ish", "minus", "negative", "over", "plus", "thousand"))
_NOT_EXACTLY |= frozenset(("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "under"))
_WORD = re.compile(r"[a-z]+")
# A number, with what makes it another number: a sign, a fraction, a share, letters that it is part of.
_NUMBER = re.compile(r"(?<![\w.])[-−~≈<>]?\d+(?:[.,/⁄]\d+)*(?: ?[-/*^+] ?\d+)?[%+]?(?![\w])")


def spell(world: World[Any, Any], text: str) -> str:
    """The text in lower case, with gray or grey spelled as this world spells it."""
    wanted = "grey" if "grey" in world.colours else "gray"
    return re.sub("gr[ae]y", wanted, text.lower())


def doubts(text: str) -> bool:
    """Whether a text takes back, negates or leaves open what it says ("not red", "isn't red", "red or blue", "red?")."""
    return "?" in text or not _DOUBT.isdisjoint(_WORD.findall(text.lower().replace("\u2019", "'")))


def named_colours(world: World[Any, Any], text: str) -> set[str]:
    """The colours of the world that a text names."""
    return set(_WORD.findall(spell(world, text))) & set(world.colours)


def named_numbers(text: str) -> set[str]:
    """The numbers that a text names, in digits; a number word counts as its number."""
    words = {word for word in _WORD.findall(text) if word in NUMBER_WORDS}
    return set(_NUMBER.findall(text)) | {str(NUMBER_WORDS.index(word)) for word in words}


def read_colour(world: World[Any, Any], text: str) -> str | None:
    """The one colour that a tidy text names."""
    if len(text) > LONGEST or doubts(text):
        return None
    named = named_colours(world, text)
    return named.pop() if len(named) == 1 else None


def read_count(text: str) -> int | None:
    """The one number that a tidy text names, in digits or in words."""
    if len(text) > LONGEST or doubts(text) or not _NOT_EXACTLY.isdisjoint(_WORD.findall(text)):
        return None
    if re.search(r"\bup to\b", text):
        return None
    numbers = named_numbers(text)
    number = numbers.pop() if len(numbers) == 1 else ""
    return int(number) if re.fullmatch("[0-9]{1,3}", number) else None
