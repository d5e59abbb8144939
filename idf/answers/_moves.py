"""Moves in words, as every notation of plans may have them: ends of clauses, repeats, glosses."""

from __future__ import annotations

import re
from collections.abc import Callable

from ._words import NUMBER_WORDS

MOST_REPEATS = 99
NAME_OF_WAY = {"up": "u", "down": "d", "left": "l", "right": "r", "u": "u", "d": "d", "l": "l", "r": "r"}
NAME_OF_WAY |= {f"{way}{end}": way[0] for way in ("up", "down", "left", "right") for end in ("ward", "wards")}
CLAUSE_END = re.compile(
    r"[,;+\n]|->|=>|→|➔|➜|⇒| > |\.(?=\s|$)|\b(?:and )?then\b|\band\b|\bfollowed by\b|\bfirst\b|\bnext\b|\bfinally\b"
)
_TIMES = re.compile(r"(?<![a-z0-9])[x×] ?(\d{1,4})(?!\w)|(?<![\w])(\d{1,4}) ?[x×](?!\w)|(?<!\w)(\d{1,4}) times?\b")
UNITS = frozenset(
    ("cell", "cells", "step", "steps", "square", "squares", "space", "spaces", "unit", "units", "tile", "tiles")
)
OFTEN = {"once": 1, "twice": 2, "thrice": 3}
NUMBERS = {word: str(n) for n, word in enumerate(NUMBER_WORDS)}
FILLERS = frozenset(("move", "push", "slide", "walk", "go", "shift", "the", "box", "crate", "it", "to", "by", "in"))
FILLERS |= frozenset(("direction", "towards", "moves", "slides", "pushes", "walks", "player", "you", "should", "must"))
LEADS_ON = frozenset(("must", "should", "by", "to", "in", "the", "you", "towards", "player"))
"""Fillers after which something must follow."""
# A way, and more of its kind in brackets behind it
GLOSS = re.compile(r"(?:\b\d?[udlr]|up|down|left|right) ?\([^()]*\b(?:\d?[udlr]|up|down|left|right)\b")
_SAID_TWICE = re.compile(r"\s*([^():=]+?) ?(?:\(([^()]+)\)|[:=]([^():=]+))[.\s]*")


def glossed(clause: str, read: Callable[[str], list[str] | None]) -> list[str] | None:
    """A clause that may say its moves twice: "d (down)", "3d: block 3 down"; both must say the same."""
    if (twice := _SAID_TWICE.fullmatch(clause)) and (first := read(twice[1])) and (again := read(twice[2] or twice[3])):
        return first if first == again else None
    return None if GLOSS.search(clause) else read(clause)


def times(clause: str) -> str:
    """Numbers of times as "^n": "x 2", "2x", "2 times"."""
    return _TIMES.sub(lambda match: f" ^{match[1] or match[2] or match[3]} ", in_digits(clause))


def in_digits(text: str) -> str:
    """Number words in digits."""
    return re.sub(r"\b(?:" + "|".join(NUMBER_WORDS) + r")\b", lambda word: NUMBERS[word[0]], text)
