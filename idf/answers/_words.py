"""Words of doubt, and numbers in words and digits."""

from __future__ import annotations

import re

LONGEST_VALUE = 500
"""Characters; a longer "answer" that names a colour or a number is prose."""
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
WORD = re.compile(r"[a-z]+")
# A number, with what makes it another number: a sign, a fraction, a share, letters that it is part of.
_NUMBER = re.compile(r"(?<![\w.])[-−~≈<>]?\d+(?:[.,/⁄]\d+)*(?: ?[-/*^+] ?\d+)?[%+]?(?![\w])")
# A concluding sentence with one of these speaks of a state on the way.
_ON_THE_WAY = re.compile(
    r"\b(?:step|roll|move|turn|before|when|while|initially|first|second|third|next|now|start|began|was|were|if)\b"
    r"|\bafter (?!(?:\w{1,12} ){0,2}all\b|(?:\w{1,12} ){0,2}the (?:last|final|whole|entire)\b)"
)
# Words that may stand between "the answer is" and a colour or a number
_WORDS_BEFORE = """
    a again are at b back be bottom c center clearly color colour cube d definitely down e either end exactly f face faces
    final front in indeed is it its left likely maybe middle most must neither nor not now number of on option or probably
    right should show shows side simply square squares start still that the there therefore this thus to top total up will
    would
"""
BEFORE_A_VALUE = frozenset(_WORDS_BEFORE.split())
_LONGEST_BARE = 150


def doubts(text: str) -> bool:
    """Whether a text takes back, negates or leaves open what it says ("not red", "isn't red", "red or blue", "red?")."""
    return "?" in text or not _DOUBT.isdisjoint(WORD.findall(text.lower().replace("\u2019", "'")))


def named_numbers(text: str) -> set[str]:
    """The numbers that a text names, in digits; a number word counts as its number."""
    words = {word for word in WORD.findall(text) if word in NUMBER_WORDS}
    return set(_NUMBER.findall(text)) | {str(NUMBER_WORDS.index(word)) for word in words}


def speaks_of_the_end(text: str) -> bool:
    """Whether a tidy sentence speaks of no state on the way."""
    return not _ON_THE_WAY.search(text)


def is_one_sentence(text: str) -> bool:
    """Whether a tidy text is one short sentence."""
    return len(text) <= _LONGEST_BARE and not re.search(r"\n|[.!?] ", text)
