"""Plans of ways alone: "u u l", "up twice"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ._moves import (
    CLAUSE_END,
    FILLERS,
    GLOSS,
    LEADS_ON,
    MOST_REPEATS,
    NAME_OF_WAY,
    NUMBERS,
    OFTEN,
    UNITS,
    glossed,
    times,
)
from ._notation import Notation

_TOKEN = re.compile(r"[^\s()\[\]{}\"'|:]+")
_ARROWS = {"↑": "u", "↓": "d", "←": "l", "⬆": "u", "⬇": "d", "⬅": "l", "➡": "r"}
_LOOSE = re.compile(r"\bby (?! ?\^|\d)|\b(?:the|to|in|it|you|must|should|player) {1,3}\^")
_ARROWS_ALONE = re.compile(r"(?:[↑↓←⬆⬇⬅➡→]|->|[\s,.])+")
_SIDE_BY_SIDE = re.compile(r"[↑↓←⬆⬇⬅➡][\s,]*[↑↓←⬆⬇⬅➡]")
_SLASHED = re.compile(r"(?:up|down|left|right|[udlr])(?:/(?:up|down|left|right|[udlr])){2,}")
_ALSO_WORDS = frozenset(("dull", "lull", "rudd"))  # that consist of u, d, l and r


class Ways(Notation):
    """Moves up, down, left and right: u, d, l and r."""

    def read(self, text: str) -> list[str] | None:
        return _read_ways(text)

    def mentions(self, text: str) -> bool:
        return bool(re.search(r"(?<![\w'])(?:\d?[udlr]\d?)(?![\w'])", text))

    def is_word(self, text: str, plan: Sequence[str]) -> bool:
        return text in _ALSO_WORDS or super().is_word(text, plan)


def _read_ways(text: str) -> list[str] | None:
    """Moves that are only ways: "u u l", "uul", "R2", "3 times up", "push the box up twice"."""
    if _ARROWS_ALONE.fullmatch(text) and _SIDE_BY_SIDE.search(text):
        text = re.sub(r"->|→", " r ", text)  # it does not stand between all moves, so it is one
    if any(arrow in text for arrow in _ARROWS):
        if "→" in text:
            return None  # a move to the right, or "and then"
        text = re.sub("[" + "".join(_ARROWS) + "]", lambda arrow: f" {_ARROWS[arrow[0]]} ", text)
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    if _SLASHED.fullmatch(text.strip(" .")):
        text = text.replace("/", " ")  # two alone may be alternatives
    letters = [word for word in re.split(r"[\s,;.\[\](){}\"'|]+|->|=>|→", text) if word]
    if letters and all(re.fullmatch("[udlr]+", word) for word in letters) and not GLOSS.search(text):
        return list("".join(letters))  # letters run together are a plan only if they are all there is
    plan: list[str] = []
    for clause in _clauses_of_ways(text):
        moves = glossed(clause, _clause_of_ways)
        if moves is None:
            return None
        plan += moves
    return plan


def _clauses_of_ways(text: str) -> list[str]:
    """The parts between commas and the like; a pair in brackets, "(up, 2)", is one part."""
    text = re.sub(r"[(\[] ?[\"']?([a-z]+|\d{1,4})[\"']? ?, ?[\"']?([a-z]+|\d{1,4})[\"']? ?[)\]]", _pair, text)
    return CLAUSE_END.split(text)


def _pair(match: re.Match[str]) -> str:
    """A pair of one word and one number as a clause of its own; any other pair stays as it is."""
    first, second = match[1], match[2]
    return f",{first} {second}," if first.isdigit() != second.isdigit() else match[0]


def _clause_of_ways(clause: str) -> list[str] | None:
    moves: list[str] = []
    said: list[tuple[str, int]] = []  # in order: ("way", code) or ("number", n)
    words = [NUMBERS.get(word, word) for word in _TOKEN.findall(times(clause))]
    if (words and words[-1] in LEADS_ON) or _LOOSE.search(times(clause)):
        return None
    often: list[int] = []
    orders: set[bool] = set()  # whether numbers stand behind their ways
    for word in words:
        attached = re.fullmatch(r"(\d{1,4})?[x×*]?(up|down|left|right|[udlr])[x×]?(\d{1,4})?", word)
        if word in OFTEN:
            often.append(OFTEN[word])
        elif marked := re.fullmatch(r"\^(\d{1,4})", word):
            often.append(int(marked[1]))
        elif word in NAME_OF_WAY:
            said.append((NAME_OF_WAY[word], 0))
        elif attached and (attached[1] is None) != (attached[3] is None):
            orders.add(attached[1] is None)
            if not int(attached[1] or attached[3]) or len(orders) > 1:
                return None  # "1 0left": not once; "l1 2u": numbers on both sides
            said.append((attached[2][0], int(attached[1] or attached[3])))
        elif re.fullmatch(r"\d{1,4}", word):
            said.append(("", int(word)))
        elif word in UNITS:
            if not said or said[-1][0]:
                return None
        elif word not in FILLERS:
            return None
    kinds = "".join("a" if way and n else "w" if way else "n" for way, n in said)
    if often:
        if len(often) > 1 or kinds != "w":
            return None
        pairs = [(said[0][0], often[0])]
    elif re.fullmatch("[wa]*", kinds):
        pairs = [(way, n or 1) for way, n in said]
    elif re.fullmatch("(wn)+", kinds):
        pairs = [(way, n) for (way, _), (_, n) in zip(said[::2], said[1::2], strict=True)]
    elif re.fullmatch("(nw)+", kinds):
        pairs = [(way, n) for (_, n), (way, _) in zip(said[::2], said[1::2], strict=True)]
    else:
        return None  # "u 2 r 3 d": whose is the 2?
    if words and not said:
        return None
    for way, n in pairs:
        if not 0 < n <= MOST_REPEATS:
            return None
        moves += [way] * n
    return moves
