"""Reading a plan: moves and nothing else, in letters or in words, with repeats.

Two notations are known, told apart by the names of a world's actions: ways ("u": up) and blocks with ways ("3u": block 3
up). In a world whose actions have other names, a plan is a list of these names. In all of them every word of the text must
be understood; one that is not makes the whole unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from idf.worlds import World

from ._lists import has_marker, without_markers
from ._tidy import LONGEST
from ._values import NUMBER_WORDS

NO_MOVES = "none"  # how an empty plan is written
_MOST_REPEATS = 99
_MOST_MOVES = 5000
_WAYS = {"up": "u", "down": "d", "left": "l", "right": "r", "u": "u", "d": "d", "l": "l", "r": "r"}
_WAYS |= {f"{way}{end}": way[0] for way in ("up", "down", "left", "right") for end in ("ward", "wards")}
_ARROWS = {"↑": "u", "↓": "d", "←": "l", "⬆": "u", "⬇": "d", "⬅": "l", "➡": "r"}
_NONE = re.compile(r"(?:none|no (?:moves?|actions?)(?: (?:is|are))?(?: needed| required| necessary)?)")
# What may stand before the moves: "the shortest sequence of moves is:"
_LEAD = re.compile(
    r"(?:(?:the|a|my|so|final|full|complete|correct|shortest|optimal|required|one|possible|valid) ){0,6}"
    r"(?:(?:move|action) )?(?:answer|solution|plan|path|sequence|list|moves?|actions?|steps?|directions?)"
    r"(?: sequence| list)?(?: of (?:moves?|actions?|steps?))?(?: to take)?(?: ?\((?:in order|from left to right)\))?"
    r"(?: (?:is|are)(?: as follows)? ?[:=]?| ?[:=])\s+"
)
_STEPS = r"(?:moves?|steps?|actions?)"
_LENGTH_BEFORE = re.compile(rf"(?:in )?(\d{{1,4}}) {_STEPS} ?[:=]\s*")
_LENGTH_BEHIND = re.compile(
    rf"[(\[](?:total ?[:=]? ?)?(\d{{1,4}}) {_STEPS}(?: in total| total)?[)\]][. ]{{0,3}}$"
    rf"|[,;.\n] ?(?:in |for a )?total(?: of|[:=])? (\d{{1,4}}) {_STEPS}[. ]{{0,3}}$"
    rf"|[,;.\n] ?(\d{{1,4}}) {_STEPS} (?:in )?total[. ]{{0,3}}$"
)
_CONTRACTION = re.compile(r"[a-z]['\u2019][a-z]")  # "I'd" names no move
_CLAUSE_END = re.compile(
    r"[,;+\n]|->|=>|→|➔|➜|⇒| > |\.(?=\s|$)|\b(?:and )?then\b|\band\b|\bfollowed by\b|\bfirst\b|\bnext\b|\bfinally\b"
)
_TOKEN = re.compile(r"[^\s()\[\]{}\"'|:]+")
_TIMES = re.compile(r"(?<![a-z0-9])[x×] ?(\d{1,4})(?!\w)|(?<![\w])(\d{1,4}) ?[x×](?!\w)|(?<!\w)(\d{1,4}) times?\b")
_UNITS = frozenset(
    ("cell", "cells", "step", "steps", "square", "squares", "space", "spaces", "unit", "units", "tile", "tiles")
)
_OFTEN = {"once": 1, "twice": 2, "thrice": 3}
_NUMBERS = {word: str(n) for n, word in enumerate(NUMBER_WORDS)}
_FILLERS = frozenset(("move", "push", "slide", "walk", "go", "shift", "the", "box", "crate", "it", "to", "by", "in"))
_FILLERS |= frozenset(("direction", "towards", "moves", "slides", "pushes", "walks", "player", "you", "should", "must"))
# A way, and more of its kind in brackets behind it
_GLOSS = re.compile(r"(?:\b\d?[udlr]|up|down|left|right) ?\([^()]*\b(?:\d?[udlr]|up|down|left|right)\b")
_SAID_TWICE_IN_ALL = re.compile(r"([^()]+?)\s?\(([^()]*[,;\s][^()]*)\)[.\s]{0,3}")
_SAID_TWICE = re.compile(r"\s*([^():=]+?) ?(?:\(([^()]+)\)|[:=]([^():=]+))[.\s]*")


def read_plan(world: World[Any, Any], text: str) -> tuple[str, ...] | None:
    """The plan that a tidy text states.

    A number of moves at the end ("(3 moves)") must be that of the plan.
    """
    if len(text) > LONGEST or "?" in text:
        return None
    if _NONE.fullmatch(text.strip(" .\"'[](){}")):
        return ()
    if lead := _LEAD.match(text):
        text = text[lead.end() :]
    text, length = _stated_length(text)
    text = without_markers(text)
    if not world.plans or has_marker(text) or _CONTRACTION.search(text):
        return None
    if twice := _SAID_TWICE_IN_ALL.fullmatch(text):
        first, again = read_plan(world, twice[1]), read_plan(world, twice[2])
        if first and again:
            return first if first == again and length in (None, len(first)) else None
    if all(re.fullmatch("[1-9][udlr]", action) for action in world.actions):
        plan = _blocks(text)
    elif set(world.actions) <= set("udlr"):
        plan = _ways(text)
    else:
        plan = _names(world, text)
    if not plan or len(plan) > _MOST_MOVES or length not in (None, len(plan)):
        return None
    actions = [world.read_action(move) for move in plan]
    return None if None in actions else tuple(action for action in actions if action is not None)


def _stated_length(text: str) -> tuple[str, int | None]:
    """The text without the number of moves that stands before or behind them, and that number."""
    if before := _LENGTH_BEFORE.match(text):
        return text[before.end() :], int(before[1])
    tail = max(0, len(text) - 80)
    if behind := _LENGTH_BEHIND.search(text, tail):
        return text[: behind.start()], int(behind[1] or behind[2] or behind[3])
    return text, None


def _glossed(clause: str, read: Callable[[str], list[str] | None]) -> list[str] | None:
    """A clause that may say its moves twice: "d (down)", "3d: block 3 down"; both must say the same."""
    if (twice := _SAID_TWICE.fullmatch(clause)) and (first := read(twice[1])) and (again := read(twice[2] or twice[3])):
        return first if first == again else None
    return None if _GLOSS.search(clause) else read(clause)


# --- any names ---------------------------------------------------------------------------------------------------


def _names(world: World[Any, Any], text: str) -> list[str] | None:
    """Moves by the names of a world's own actions, between blanks, commas, arrows or quotes."""
    words = [word for word in re.split(r"[\s,;.\[\](){}\"'`*]+|->|→", text) if word]
    actions = [world.read_action(word) for word in words]
    return None if None in actions else [action for action in actions if action is not None]


# --- ways -------------------------------------------------------------------------------------------------------


def _ways(text: str) -> list[str] | None:
    """Moves that are only ways: "u u l", "uul", "R2", "3 times up", "push the box up twice"."""
    if any(arrow in text for arrow in _ARROWS):
        if "→" in text:
            return None  # a move to the right, or "and then"
        text = re.sub("[" + "".join(_ARROWS) + "]", lambda arrow: f" {_ARROWS[arrow[0]]} ", text)
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    letters = [word for word in re.split(r"[\s,;.\[\](){}\"'|]+|->|=>|→", text) if word]
    if letters and all(re.fullmatch("[udlr]+", word) for word in letters) and not _GLOSS.search(text):
        return list("".join(letters))  # letters run together are a plan only if they are all there is
    plan: list[str] = []
    for clause in _clauses_of_ways(text):
        moves = _glossed(clause, _clause_of_ways)
        if moves is None:
            return None
        plan += moves
    return plan


def _clauses_of_ways(text: str) -> list[str]:
    """The parts between commas and the like; a pair in brackets, "(up, 2)", is one part."""
    text = re.sub(r"[(\[] ?[\"']?([a-z]+|\d{1,4})[\"']? ?, ?[\"']?([a-z]+|\d{1,4})[\"']? ?[)\]]", _pair, text)
    return _CLAUSE_END.split(text)


def _pair(match: re.Match[str]) -> str:
    """A pair of one word and one number as a clause of its own; any other pair stays as it is."""
    first, second = match[1], match[2]
    return f",{first} {second}," if first.isdigit() != second.isdigit() else match[0]


def _clause_of_ways(clause: str) -> list[str] | None:
    moves: list[str] = []
    said: list[tuple[str, int]] = []  # in order: ("way", code) or ("number", n)
    words = [_NUMBERS.get(word, word) for word in _TOKEN.findall(_times(clause))]
    often: list[int] = []
    for word in words:
        attached = re.fullmatch(r"(\d{1,4})?[x×*]?(up|down|left|right|[udlr])[x×]?(\d{1,4})?", word)
        if word in _OFTEN:
            often.append(_OFTEN[word])
        elif marked := re.fullmatch(r"\^(\d{1,4})", word):
            often.append(int(marked[1]))
        elif word in _WAYS:
            said.append((_WAYS[word], 0))
        elif attached and (attached[1] is None) != (attached[3] is None):
            said.append((attached[2][0], int(attached[1] or attached[3])))
        elif re.fullmatch(r"\d{1,4}", word):
            said.append(("", int(word)))
        elif word in _UNITS:
            if not said or said[-1][0]:
                return None
        elif word not in _FILLERS:
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
        if not 0 < n <= _MOST_REPEATS:
            return None
        moves += [way] * n
    return moves


def _times(clause: str) -> str:
    """Numbers of times as "^n": "x 2", "2x", "2 times"."""
    return _TIMES.sub(lambda match: f" ^{match[1] or match[2] or match[3]} ", _in_digits(clause))


def _in_digits(text: str) -> str:
    return re.sub(r"\b(?:" + "|".join(NUMBER_WORDS) + r")\b", lambda word: _NUMBERS[word[0]], text)


# --- blocks ------------------------------------------------------------------------------------------------------

_BLOCK = r"(?:block|piece|tile|number|id)"
_LABELLED = re.compile(rf"\b(?:{_BLOCK}|direction|dir|way|move|to) ?[:=#] ?")
_PAIR_OF_BLOCK = re.compile(
    r"[(\[{]\s{0,3}[\"']?(?:block )?([1-9])[\"']?\s{0,3},\s{0,3}[\"']?(up|down|left|right|[udlr])[\"']?\s{0,3}[)\]}]"
)
_BLOCK_WORDS = frozenset(("block", "piece", "tile", "number"))


def _blocks(text: str) -> list[str] | None:
    """Moves of blocks: "3u 4r", "3u4r", "(3, up)", "block 3 up twice", "move block 3 up"."""
    text = _PAIR_OF_BLOCK.sub(r", \1 \2 ,", _LABELLED.sub(" ", text))
    text = re.sub(r"\b(?:by )?(\d{1,2}) (" + "|".join(_UNITS) + r")\b", r"\1 times", _in_digits(text))
    plan: list[str] = []
    for clause in _CLAUSE_END.split(text):
        moves = _glossed(_times(clause), _clause_of_blocks)
        if moves is None:
            return None
        plan += moves
    return plan


def _clause_of_blocks(clause: str) -> list[str] | None:
    moves: list[str] = []
    block, often = "", 0
    for word in re.findall(r"[^\s()\[\]{}\"'|:]+", clause):
        word = re.sub(r"^(?:block|b|#)(?=\d)", "", word)
        counted = re.fullmatch(r"([1-9])-?(up|down|left|right|[udlr])(?:[x×]?(\d{1,2}))?", word)
        repeats = re.fullmatch(r"\^(\d{1,2})", word)
        if often:
            return None  # "3u 2 times 4r": whose is the 2?
        if repeats or word in _OFTEN:
            often = int(repeats[1]) if repeats else _OFTEN[word]
            if block or len(moves) != 1 or not often:
                return None
            moves = moves * often
        elif word in _WAYS and block:
            moves.append(block + _WAYS[word])
            block = ""
        elif block and word not in _FILLERS and word not in _BLOCK_WORDS:
            return None
        elif re.fullmatch("(?:[1-9][udlr])+", word):
            moves += re.findall("..", word)
        elif counted:
            if counted[3] and not int(counted[3]):
                return None
            moves += [counted[1] + counted[2][0]] * int(counted[3] or 1)
        elif re.fullmatch("[1-9]", word):
            block = word
        elif word not in _FILLERS and word not in _BLOCK_WORDS and word != "-":
            return None
    return None if block or (clause.strip(" .()[]{}\"'|:-") and not moves) else moves
