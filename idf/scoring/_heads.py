"""How a line of a trace begins a step: number, action, and the state that it claims."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from idf.worlds import World, plain

from ._layout import Unit
from ._statements import ORDINALS

BULLETS = "-+>#•·–—* "
NUMBER = re.compile(
    r"\(?(?:step|move|roll|turn|action|push) +#?([0-9]{1,6})\)? *(?:->|→|[.):,–—-])? *|[(#]?([0-9]{1,6}) *[.):] *"
)
START = re.compile(
    r"(?:the |at the |at )?(?:start|starting|initial|beginning|as given|given|original|originally|solved"
    r"|setup)(?: (?:state|position|board|colou?rs|faces|orientation|grid|cube|configuration|structure|cells|cubes"
    r"|layout|view|list))?"
    r" *(?:\([^()]{0,40}\))? *(?:(?::|->|→|=|,) *(.*))?$"
)
LEADS_TO = re.compile(r" *(?:->|→|=>|⇒|➔|:|=| [-–—] ) *")
LEADING = re.compile(r"(?:so |then |now |next,? |first,? |finally,? )*(?:after|at|following|in) ")
# Words that may stand around the name of an action: "roll to the right".
_AROUND = frozenset(("action", "after", "block", "box", "cube", "move", "player", "push", "roll", "rolling", "rotate"))
_AROUND |= frozenset(
    (
        "slide",
        "the",
        "to",
        "turn",
        "walk",
        "then",
        "apply",
        "applying",
        "face",
        "next",
        "and",
        "now",
        "once",
        "more",
        "again",
    )
)
LONGEST_STATE = 26  # lines of a state that is written below its step
NTH_ITEM = re.compile(
    rf"(?:the )?({'|'.join(ORDINALS)}|\d(?:st|nd|rd|th)) (?:quarter )?(?:roll|turn|move|step"
    rf"|push)\b[^:,.;]{{0,30}}[:→=]"
)


@dataclass(frozen=True)
class Claim:
    """One claimed step.

    Attributes:
        number: Its number; 0 is the start.
        action: The action, as the world spells it if the world knows it; None if none is named.
        state: The claimed state as `World.read_line` reads it; None if none is claimed.
        text: The line that claims it.
    """

    number: int
    action: str | None
    state: Hashable | None
    text: str


def claim_at(
    world: World[Any, Any], unit: Unit, lines: list[str], next_number: int, shift: int
) -> tuple[Claim | None, int]:
    """The claim that a unit makes of a whole state, and how many lines it takes."""
    line = unit.text.strip()
    said = plain(line).lstrip(BULLETS)
    if start := START.match(said):
        state, used = _state(world, start[1] or "", lines, unit)
        return (None, 1) if state is None else (Claim(0, None, state, line), used)
    if led := LEADING.match(said):
        said = said[led.end() :]
    number, rest, numbered = numbered_line(said, shift)
    if number is not None and (start := START.match(rest)):
        state, used = _state(world, start[1] or "", lines, unit)
        return (None, 1) if state is None else (Claim(0, None, state, line), used)
    if NTH_ITEM.match(rest):
        rest = rest[NTH_ITEM.match(rest).end() :].strip()  # type: ignore[union-attr]
    arrow = LEADS_TO.search(rest)
    head, tail = (rest[: arrow.start()], rest[arrow.end() :]) if arrow else (rest, "")
    word = _one_word(head)
    action = action_of(world, head)
    if action is not None:
        state, used = _state(world, tail, lines, unit)
        if state is not None:
            return Claim(next_number if number is None else number, action, state, line), used
        if number is not None and not tail and len(head) <= 40 and not re.search(r"[(,.;]\s*-?\d", head):
            return Claim(number, action, None, line), 1
    elif number is not None and word and tail and (state := world.read_line(tail)) is not None:
        return Claim(number, None if number == 0 else word, state, line), 1
    if number is not None and rest and (state := world.read_line(rest)) is not None:
        return Claim(number, None, state, line), 1  # "2. U: yellow ...; D: ..." names a face, not a turn
    if number is not None and numbered and numbered[1] and not rest:  # "Step 2:" with the state below
        state, used = _state(world, "", lines, unit)
        if state is not None:
            return Claim(number, None, state, line), used
    return None, 1


def numbered_line(said: str, shift: int) -> tuple[int | None, str, re.Match[str] | None]:
    """The number of the step that a line begins with, the rest of the line, and how the number is written.

    "First roll: ..." numbers a step as well, and better than the number of a list before it.
    """
    numbered = NUMBER.match(said)
    number = int(numbered[1] or int(numbered[2]) - shift) if numbered else None
    rest = said[numbered.end() :] if numbered else said
    if nth := NTH_ITEM.match(rest):
        word = nth[1]
        number = ORDINALS.index(word) + 1 if word in ORDINALS else int(re.sub(r"\D", "", word))
    return number, rest, numbered


def _state(world: World[Any, Any], tail: str, lines: list[str], unit: Unit) -> tuple[Hashable | None, int]:
    """The state in the rest of a line or, if nothing is there, in the paragraph below; and the lines taken."""
    if tail or not unit.plain:
        return world.read_line(tail), max(unit.used, 1) if not unit.plain else 1
    first = unit.at + 1
    while first < len(lines) and not lines[first].strip():
        first += 1
    end = first
    while end < min(len(lines), first + LONGEST_STATE) and lines[end].strip() and not begins_step(lines[end]):
        end += 1
    below = "\n".join(re.sub(r"^\s*(?:[-+•*]\s)+", "", line) for line in lines[first:end])
    state = world.read_line(below)
    return (None, 1) if state is None else (state, end - unit.at)


def begins_step(line: str) -> bool:
    said = plain(line).lstrip(BULLETS)
    return bool(NUMBER.match(said) or START.match(said))


def _one_word(head: str) -> str | None:
    words = [word for word in re.findall(r"[^\s()\[\]\"',:]+", head) if word not in _AROUND]
    return words[0] if len(words) == 1 else None


@lru_cache(maxsize=4096)  # a trace names few actions, again and again
def action_of(world: World[Any, Any], head: str) -> str | None:
    """The action that the words before a state name: a single word, or a phrase that the world knows."""
    said = head.strip(" \"'()[],:")
    if not said or len(said) > 80:
        return None
    told = world.read_moves(head.strip(' "()[],:'))
    if len(told) == 1:
        return told[0]
    word = _one_word(head)
    if word is None or told:
        return None
    return world.read_action(word) or next((known for known in world.actions if known.casefold() == word), None)
