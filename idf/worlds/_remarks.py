"""What a trace says of its own search: a move that is illegal, a dead end, moves that are left, the way back, a subgoal."""

from __future__ import annotations

import re
from typing import NamedTuple

Cell = tuple[int, int]


class Remark(NamedTuple):
    """One thing that a sentence says of the search for a plan.

    Attributes:
        kind: "illegal", "dead end", "left", "away", "back" or "subgoal".
        text: The sentence.
        action: The move that is said to be illegal, or that a subgoal prepares; empty if none is named.
        step: The step that it goes back to, or that it speaks of; None for where the trace is.
        left: The moves that it says are left.
        cells: The cells (row, column), from 0, that it names.
        blocks: The blocks that it names beside the one that moves.
        words: What else it names: "wall", "walk", "push", "edge", "corner".
        contradicts: Whether it names another move as well.
    """

    kind: str
    text: str
    action: str = ""
    step: int | None = None
    left: int | None = None
    cells: tuple[Cell, ...] = ()
    blocks: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    contradicts: bool = False


# What is only supposed, planned for later, asked or told of another place says nothing of where the trace is.
SUPPOSED = re.compile(
    r"\b(?:if|(?<!it )(?<!that )(?<!which )would|could|might|may|suppose|supposing|perhaps|maybe|unless|whether|when"
    r"|once|then|later|otherwise|until|"
    r"so that|avoid\w*|afterwards?|next)\b|\?"
)
ILLEGAL = re.compile(
    r"\b(?:illegal|invalid|impossible|blocked|forbidden|not (?:legal|allowed|possible|permitted)"
    r"|cannot|can ?not|can['’]t|is no legal move)\b"
)
_NOT_ILLEGAL = re.compile(
    r"\b(?:not|never|isn['’]t|is no longer|n['’]t) (?:illegal|invalid|impossible|blocked|forbidden)\b"
)
_DEAD = re.compile(
    r"\bdead[- ]?(?:end|lock(?:ed)?)\b|\b(?:is|are|gets?|now|be) (?:now )?(?:stuck|trapped)\b|\bunsolvable\b"
    r"|\b(?:target|goal) (?:can(?:not| never| no longer| not)|can['’]t)(?: ever)? be reached\b"
    r"|\b(?:cannot|can never|can no longer|can['’]t|will never|can not)(?: ever)? (?:reach|get to|come to|be pushed to"
    r"|be brought to) (?:the |its )?(?:target|goal)\b"
    r"|\b(?:cannot|can never|can no longer|can['’]t|will never)(?: ever)? (?:leave|get out of|come out of|be moved out of)\b"
    r"|\bno way (?:to|for the box to reach) the (?:target|goal)\b"
)
_NOT_DEAD = re.compile(
    r"\b(?:no|not|never|n['’]t|without)(?: an?| any| in an?| into an?)? (?:dead|stuck|trapped|unsolvable|deadlock)"
    r"|\b(?:directly|straight|in one|yet|this way|by pushing|in \d+ moves?|at once)\b"
)
_LEFT = re.compile(r"\b(\d{1,3}) (?:more )?moves? (?:are|is|were) (?:still |now )?(?:left|needed|missing|to go)\b")
_LEFT_THERE = re.compile(
    r"\b(\d{1,3})(?: moves?)?(?: were)?(?: left)? (?:after (?:step|move) (\d{1,3})|at the start)\b"
)
_AWAY = re.compile(
    r"\bleads? (?:us |me |it )?(?:further )?away\b|\bmore moves (?:are |is )?(?:left|needed) than (?:before|after)\b"
)
_BACK = re.compile(
    r"\b(?:back(?:track\w*)?|return\w*|revert\w*|rewind\w*)(?: \w+){0,2}? (?:to|after|from)(?: \w+){0,4}? "
    r"(?:(?:step|move) (?:number )?#?(\d{1,3})\b(?! ?(?:up|down|left|right)\b)|(start|beginning|initial (?:state|position)))\b"
)
_CELL = re.compile(r"[(\[]\s*(?:row )?(\d{1,2})\s*,\s*(?:column )?(\d{1,2})\s*[)\]]")


def cells_of(text: str, first: int = 0) -> tuple[Cell, ...]:
    """The cells that a text names, counted from 0 if it counts from `first`."""
    return tuple((int(match[1]) - first, int(match[2]) - first) for match in _CELL.finditer(text))


def read_common(said: str) -> list[Remark]:
    """The remarks that sound alike in all worlds: dead ends, moves left, the way back.

    Args:
        said: A sentence in lower case.
    """
    found = []
    if match := _BACK.search(said):
        found.append(Remark("back", said, step=int(match[1]) if match[1] else 0))
    if SUPPOSED.search(said):
        return found
    if _DEAD.search(said) and not _NOT_DEAD.search(said):
        corner = frozenset({"corner"} if re.search(r"\bcorner\b", said) else ())
        found.append(Remark("dead end", said, words=corner))
    for match in _LEFT.finditer(said):
        found.append(Remark("left", said, left=int(match[1])))
    if _LEFT.search(said):
        for match in _LEFT_THERE.finditer(_LEFT.sub(" ", said)):
            found.append(Remark("left", said, left=int(match[1]), step=int(match[2]) if match[2] else 0))
    if _AWAY.search(said):
        found.append(Remark("away", said))
    return found


def says_illegal(said: str) -> bool:
    """Whether a sentence says that a move cannot be made where the trace is."""
    return bool(ILLEGAL.search(said)) and not _NOT_ILLEGAL.search(said) and not SUPPOSED.search(said)
