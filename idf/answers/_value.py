"""What the kinds have in common whose answer is one value: remarks, reasons, places and words around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from ._words import COLOUR_SIGNS, PLACES, WORD, is_remark, places_in, without_number_of_moves

V = TypeVar("V")

_BRACKETS = re.compile(r"[(\[]([^()\[\]]{0,300})[)\]]")
_REASON = re.compile(
    r"(?:[,;]| [-–—]|\.)? (?:because|since|as|due to|which|so that|given that)\b|[,;.] ?(?:as|where|it|so|this|the)\b|"
    r" [-–—] |[.;!] (?=\w)"
)
_PATH = re.compile(
    r"[\"'(\[]{0,2}\b(?:right|left|front|back)[\"']?(?:(?: ?(?:,|->|→|;)| then| and)+ ?[\"']?(?:right|left|front|"
    r"back)\b[\"']?){1,40}[)\]]?"
)
_OPTION = re.compile(r"^\(?(?:option )?[a-f][).:]\s+(?=\w)")
_IS_RIGHT = re.compile(r"(?:\bis|\bwas|'s) right(?=\s*(?:[.!,;]|$))")
_CONFIDENCE = re.compile(
    r"[,;]? ?[(]?\b(?:confidence|certainty|probability)[\"']? ?[:=]? ?(?:\d[\d.]{0,6} ?%?|high|very high)[)]?"
)
_LEAD = re.compile(r"^(?:[=:,]|=>|->|→|⇒|➡|➜|🎯|👉)+\s*")

_BARE_PLACE = frozenset((*PLACES, "the", "face", "side", "view", "of", "cube", "square", "on", "at", "from"))


def plain_value(text: str, also: Collection[str]) -> str | None:
    """A tidy text about one value without what changes nothing: an option's letter, remarks in brackets, a path.

    Args:
        text: The text.
        also: Words that remarks may hold as well, such as colours.

    Returns:
        What is left, None if a remark cannot be understood.
    """
    text = _IS_RIGHT.sub(" is correct", text.replace("most likely", "likely").replace("most probably", "probably"))
    text = _CONFIDENCE.sub(" ", _OPTION.sub("", _LEAD.sub("", text.strip())))
    for sign, colour in COLOUR_SIGNS.items():
        text = text.replace(sign, f" {colour} ")
    text = without_path(without_number_of_moves(text))
    failed = False

    def outside(match: re.Match[str]) -> str:
        nonlocal failed
        inside, before = match[1].strip(), text[: match.start()].strip(" *\"'")
        words = WORD.findall(inside)
        if not before or len(words) <= 1 or set(words) <= _BARE_PLACE:
            return f" {inside} "  # the value itself, its gloss, or a place that must be the one asked
        failed = failed or not is_remark(inside, also)
        return " "

    text = _BRACKETS.sub(outside, text)
    return None if failed else text


def without_reason(text: str, value_of: Callable[[str], object | None]) -> str | None:
    """The text up to where it goes on to say why, if what is said there changes nothing; None if there is no such place."""
    for match in _REASON.finditer(text):
        value = value_of(text[: match.start()])
        if value is not None:
            return text[: match.start()] if is_remark(text[match.start() :], {str(value)}) else None
    return None


def value_with_remarks(text: str, also: Collection[str], whole: Callable[[str], V | None]) -> V | None:
    """The one value of a tidy text, with remarks around it or a reason behind it that change nothing.

    Args:
        text: The text.
        also: Words that remarks may hold as well, such as colours.
        whole: Reads a text of which every word must be understood.
    """
    plain = plain_value(text, also)
    if plain is None:
        return None
    value = whole(plain)
    if value is None and (short := without_reason(plain, whole)):
        value = whole(short)
    return value


def without_path(text: str) -> str:
    """A tidy text without lists of rolls, which name sides but no side that is asked."""
    return _PATH.sub(" all ", text)


def elsewhere(text: str, asked: Collection[str]) -> bool:
    """Whether a tidy text names a place other than those that are asked for; of nothing asked, no place is another."""
    here = {PLACES.get(word, word) for word in asked}
    return bool(here) and not places_in(text) <= here
