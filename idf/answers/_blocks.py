"""Plans of blocks with ways: "3u 4r", "block 3 up"."""

from __future__ import annotations

import re

from ._moves import CLAUSE_END, FILLERS, NAME_OF_WAY, OFTEN, UNITS, glossed, in_digits, times
from ._notation import Notation

_BLOCK = r"(?:block|piece|tile|number|id)"
_LABELLED = re.compile(rf"\b(?:{_BLOCK}|direction|dir|way|move|to) ?[:=#] ?")
_PAIR_OF_BLOCK = re.compile(
    r"[(\[{]\s{0,3}[\"']?(?:block )?([1-9])[\"']?\s{0,3},\s{0,3}[\"']?(up|down|left|right|[udlr])[\"']?\s{0,3}[)\]}]"
)
_WAYS_FIRST = re.compile(r"[udlr][1-9](?:[ ,;]{1,3}[udlr][1-9])+")
_ARROWS = {"↑": "u", "↓": "d", "←": "l", "⬆": "u", "⬇": "d", "⬅": "l", "➡": "r"}
_ARROWS_BEHIND = re.compile(r"(?:[1-9] ?[↑↓←→][\s,;.]*)+")
_SIDE_BY_SIDE = re.compile(r"[↑↓←][\s,]*[1-9] ?[↑↓←]")
_ARROW = re.compile("[" + "".join(_ARROWS) + "]")
_POINTS = re.compile(r"(?<!\w)([1-9]) ?(?:->|→|=>) ?(up|down|left|right)\b")  # "block 3 → down"
_REPEATED = re.compile(r"(?<![\w])([1-9])([udlr])(\2{1,8})(?!\w)")
# "block 5 left 2": as many cells, if nothing else follows in the clause
_WITH_CELLS = re.compile(r"(?<!\w)([1-9]):? (up|down|left|right) (?:by )?(\d)(?= ?(?:[,;.\n]|$|and\b|then\b))")
_BLOCK_WORDS = frozenset(("block", "piece", "tile", "number"))


class Blocks(Notation):
    """A block from 1 to 9 and a way: 3u slides block 3 up."""

    def read(self, text: str) -> list[str] | None:
        return _read_blocks(text)

    def mentions(self, text: str) -> bool:
        return bool(re.search(r"(?<![\w'])(?:\d?[udlr]\d?)(?![\w'])", text))


def _read_blocks(text: str) -> list[str] | None:
    """Moves of blocks: "3u 4r", "3u4r", "(3, up)", "block 3 up twice", "move block 3 up"."""
    if _WAYS_FIRST.fullmatch(text.strip(" .")):  # "d7 l5": one alone may be a slip
        text = re.sub(r"([udlr]) ?([1-9])", r"\2\1", text)
    if _ARROWS_BEHIND.fullmatch(text) and _SIDE_BY_SIDE.search(text):  # "5← 4↓ 3→": none of them is "and then"
        text = text.replace("→", "r")
    text = _POINTS.sub(r"\1 \2", text)
    if "→" not in text:  # else it may be "and then"
        text = _ARROW.sub(lambda arrow: f" {_ARROWS[arrow[0]]} ", text)
    text = _REPEATED.sub(lambda move: f", {move[1]}{move[2]} x{len(move[3]) + 1}, ", text)
    text = _WITH_CELLS.sub(r"\1 \2 \3 times", text)
    text = _PAIR_OF_BLOCK.sub(r", \1 \2 ,", _LABELLED.sub(" ", text))
    text = re.sub(r"\b(?:by )?(\d{1,2}) (" + "|".join(UNITS) + r")\b", r"\1 times", in_digits(text))
    plan: list[str] = []
    for clause in CLAUSE_END.split(text):
        moves = glossed(times(clause), _clause_of_blocks)
        if moves is None:
            return None
        plan += moves
    return plan


def _clause_of_blocks(clause: str) -> list[str] | None:
    if re.search(
        r"\bto (?:the )?\d|\b(?:must|should|by|to|in|the)[ .]*$|\b(?:the|to|in|it|you|must|should|player) {1,3}\^",
        clause,
    ):
        return None
    moves: list[str] = []
    block, often = "", 0
    for word in re.findall(r"[^\s()\[\]{}\"'|:]+", clause):
        word = re.sub(r"^(?:block|b|#)(?=\d)", "", word)
        counted = re.fullmatch(r"([1-9])-?(up|down|left|right|[udlr])(?:[x×]?(\d{1,2}))?", word)
        repeats = re.fullmatch(r"\^(\d{1,2})", word)
        if often:
            return None  # "3u 2 times 4r": whose is the 2?
        if repeats or word in OFTEN:
            often = int(repeats[1]) if repeats else OFTEN[word]
            if block or len(moves) != 1 or not often:
                return None
            moves = moves * often
        elif word in NAME_OF_WAY and block:
            moves.append(block + NAME_OF_WAY[word])
            block = ""
        elif block and word not in FILLERS and word not in _BLOCK_WORDS:
            return None
        elif re.fullmatch("(?:[1-9][udlr])+", word):
            moves += re.findall("..", word)
        elif counted:
            if counted[3] and not int(counted[3]):
                return None
            moves += [counted[1] + counted[2][0]] * int(counted[3] or 1)
        elif re.fullmatch("[1-9]", word):
            block = word
        elif word not in FILLERS and word not in _BLOCK_WORDS and word != "-":
            return None
    return None if block or (clause.strip(" .()[]{}\"'|:-") and not moves) else moves
