"""What a trace claims along the way: steps with the states they lead to, in the wordings that models use."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from idf.worlds import World, plain

_BULLETS = "-+>#•·–— "
_NUMBER = re.compile(
    r"\(?(?:step|move|roll|turn|action) +#?([0-9]{1,6})\)? *(?:->|→|[.):,–—-])? *|[(#]?([0-9]{1,6}) *[.):] *"
)
_START = re.compile(
    r"(?:the )?(?:start|starting|initial)(?: (?:state|position|board|colou?rs|faces|orientation))? *(?::|->|→|=) *(.*)$"
)
_LEADS_TO = re.compile(r" *(?:->|→|=>|⇒|:|=| [-–—] ) *")
# Words that may stand around the name of an action: "roll to the right".
_AROUND = frozenset(("action", "after", "block", "box", "cube", "move", "player", "push", "roll", "rolling", "rotate"))
_AROUND |= frozenset(("slide", "the", "to", "turn", "walk"))
_LONGEST_STATE = 12  # lines of a state that is written below its step


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


@dataclass(frozen=True)
class Reading:
    """A trace, line by line.

    Attributes:
        lines: Its lines; those of code fences are blank, tags of think blocks are gone.
        claims: The steps it claims, in the order of the text.
        claim_of: For each line the index of the claim it belongs to, or None.
    """

    lines: list[str]
    claims: list[Claim]
    claim_of: list[int | None]

    def beside(self) -> list[str]:
        """The lines that belong to no claim."""
        return [line for line, claim in zip(self.lines, self.claim_of, strict=True) if claim is None]

    def after_the_last(self) -> list[str]:
        """The lines after the last claim."""
        last = max((at for at, claim in enumerate(self.claim_of) if claim is not None), default=-1)
        return self.lines[last + 1 :]


def read_trace(world: World[Any, Any], text: str) -> Reading:
    """Find the claimed steps of a trace, think blocks included.

    A step is a line "3. right: <state>" in any of the common wordings: "Step 3: right -> <state>", "3) right", a bullet
    without a number (it counts on), the state on the lines below. "Start: <state>" is step 0. Whatever else a line says
    makes it prose: "3. Left: gray" lists a face, and a state that cannot be read is not guessed.
    """
    lines = re.sub("</?think>", "\n", text).splitlines()
    lines = ["" if line.strip().startswith("```") else line for line in lines]
    reading = Reading(lines, [], [None] * len(lines))
    at = 0
    while at < len(lines):
        claim, used = _claim_at(world, lines, at, next_number=reading.claims[-1].number + 1 if reading.claims else 1)
        if claim:
            reading.claim_of[at : at + used] = [len(reading.claims)] * used
            reading.claims.append(claim)
        at += used
    return reading


def _claim_at(world: World[Any, Any], lines: list[str], at: int, next_number: int) -> tuple[Claim | None, int]:
    """The claim that begins with a line, and how many lines it takes."""
    line = lines[at].strip()
    said = plain(line).lstrip(_BULLETS)
    if start := _START.match(said):
        state, used = _state(world, start[1], lines, at)
        return (None, 1) if state is None else (Claim(0, None, state, line), used)
    numbered = _NUMBER.match(said)
    number = int(numbered[1] or numbered[2]) if numbered else None
    rest = said[numbered.end() :] if numbered else said
    arrow = _LEADS_TO.search(rest)
    head, tail = (rest[: arrow.start()], rest[arrow.end() :]) if arrow else (rest, "")
    word = _one_word(head)
    action = _action(world, word)
    if action is not None:
        state, used = _state(world, tail, lines, at)
        if state is not None:
            return Claim(next_number if number is None else number, action, state, line), used
        if number is not None and not tail:
            return Claim(number, action, None, line), 1
    elif number is not None and word and tail and (state := world.read_line(tail)) is not None:
        return Claim(number, None if number == 0 else word, state, line), 1
    if number is not None and rest and (state := world.read_line(rest)) is not None:
        return Claim(number, None, state, line), 1  # "2. U: yellow ...; D: ..." names a face, not a turn
    return None, 1


def _state(world: World[Any, Any], tail: str, lines: list[str], at: int) -> tuple[Hashable | None, int]:
    """The state in the rest of a line or, if nothing is there, in the paragraph below; and the lines taken."""
    if tail:
        return world.read_line(tail), 1
    first = at + 1
    while first < len(lines) and not lines[first].strip():
        first += 1
    end = first
    while end < min(len(lines), first + _LONGEST_STATE) and lines[end].strip() and not _begins(lines[end]):
        end += 1
    state = world.read_line("\n".join(lines[first:end]))
    return (None, 1) if state is None else (state, end - at)


def _begins(line: str) -> bool:
    said = plain(line).lstrip(_BULLETS)
    return bool(_NUMBER.match(said) or _START.match(said))


def _one_word(head: str) -> str | None:
    words = [word for word in re.findall(r"[^\s()\[\]\"',:]+", head) if word not in _AROUND]
    return words[0] if len(words) == 1 else None


def _action(world: World[Any, Any], word: str | None) -> str | None:
    if word is None:
        return None
    return world.read_action(word) or next((known for known in world.actions if known.casefold() == word), None)
