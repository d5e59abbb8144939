"""What a trace claims along the way: steps with the states they lead to, in the wordings that models use."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from idf.worlds import Conventions, World, legend_of, plain, read_conventions

from ._heads import (
    BULLETS,
    LEADING,
    LEADS_TO,
    LONGEST_STATE,
    NTH_ITEM,
    NUMBER,
    START,
    Claim,
    action_of,
    begins_step,
    claim_at,
    numbered_line,
)
from ._layout import Unit, units_of
from ._statements import Statement, clean, read_sentence, sentences

_CLAUSE = re.compile(r"([^.;,:(→=]{1,60}?|\([^()]{1,40}\))(?:\s*[.;,:→]\s*|\s*$|(?=\())")
_CELL = re.compile(r"[(\[]\s*\d+\s*,|\bp(?:layer)?\s\d+\s?,")
_THINK = re.compile("</?think>")
_CASE = re.compile(r"\W*case\b", re.IGNORECASE)
_LONGEST_KEPT = 4000  # characters of a text whose reading is kept
_LONGEST_LINE = 4000  # characters of a line that are read as prose


@dataclass(frozen=True)
class Reading:
    """A trace, line by line.

    Attributes:
        lines: Its lines; those of code fences are blank, tags of think blocks are gone.
        claims: The steps it claims, in the order of the text.
        claim_of: For each line the index of the claim it belongs to, or None.
        statements: All that it says of states, steps included, in the order of the text.
        stated: For each line, whether it says anything of a state.
        first: What it is read to count rows and columns from.
    """

    lines: list[str]
    claims: list[Claim]
    claim_of: list[int | None]
    statements: list[Statement] = field(default_factory=list)
    stated: list[bool] = field(default_factory=list)
    first: int = 0

    def beside(self) -> list[str]:
        """The lines that belong to no claim."""
        return [line for line, claim in zip(self.lines, self.claim_of, strict=True) if claim is None]

    def after_the_last(self) -> list[str]:
        """The lines after the last claim."""
        last = max((at for at, claim in enumerate(self.claim_of) if claim is not None), default=-1)
        return self.lines[last + 1 :]


def read_trace(world: World[Any, Any], text: str, *, first: int = 0) -> Reading:
    """Find what a trace says of states on the way, think blocks included.

    A step is a line "3. right: <state>" in any of the common wordings: "Step 3: right -> <state>", "3) right", a bullet
    without a number (it counts on), a heading, a row of a table, an object of JSON, the state on the lines below.
    "Start: <state>" is step 0. What other lines say of a state is a statement without a claim.

    Args:
        world: The world that it speaks of.
        text: Its text.
        first: What it counts rows and columns from: 0, or 1 as some models do.

    Returns:
        The reading, which nobody may change: that of a text that was read not long ago is given again.
    """
    return (_read_once if len(text) <= _LONGEST_KEPT else _read)(world, text, first)


def _read(world: World[Any, Any], text: str, first: int) -> Reading:
    lines = _THINK.sub("\n", text).splitlines()
    lines = ["" if line.strip().startswith("```") else line for line in lines]
    reading = Reading(lines, [], [None] * len(lines), [], [False] * len(lines), first)
    _Reader(world, reading, first).read()
    if world.in_part:  # a case is no prose: many may be told in nearly the same words
        reading.stated[:] = [said or bool(_CASE.match(line)) for said, line in zip(reading.stated, lines, strict=True)]
    return reading


# A verdict and a report read the same response; many responses are the same few words.
_read_once = lru_cache(maxsize=512)(_read)


@dataclass
class _Reader:
    """Reads one trace, line by line."""

    world: World[Any, Any]
    reading: Reading
    first: int
    conventions: Conventions | None = None
    open: int | None = None  # the statement of the step whose facts still come
    facts: dict[Hashable, Hashable] = field(default_factory=dict)
    last: int = 0  # number of the last claimed step
    explicit: bool = True  # whether the last line that begins a step has a number
    shift: int = 0  # what a list numbers too high, because it numbers the start as well

    def read(self) -> None:
        until = 0
        for unit in units_of(self.reading.lines):
            if unit.plain and unit.at < until:
                continue
            if not unit.text.strip():
                continue
            used = self._step(unit) or self._other(unit)
            until = max(until, unit.at + used)
        self._close()

    # --- steps -------------------------------------------------------------------------------------------------

    def _step(self, unit: Unit) -> int:
        """Read a unit as a step with a whole state, or without any; how many lines it took, 0 if it is none."""
        if self.first and _CELL.search(unit.text):
            return 0  # a world reads its own lines counted from 0
        self._shifted(unit.text)
        claim, used = claim_at(self.world, unit, self.reading.lines, self.last + 1, self.shift)
        if claim is None:
            return 0
        self._close()
        self._add(claim, unit.at, used)
        at = len(self.reading.statements)
        self.reading.statements.append(
            Statement(
                unit.at,
                claim.text,
                number=claim.number,
                action=claim.action,
                place="" if claim.number else "start",
                head=True,
                state=claim.state,
                counted=claim.action is not None and not begins_step(unit.text),
            )
        )
        if claim.state is None:
            self.open, self.facts = at, {}
        return used

    def _shifted(self, text: str) -> None:
        """Note a list that numbers the start as well: "1. As given: ...", "2. U2: ..."."""
        if self.last:
            return  # a list begins with its start
        said = plain(text).lstrip(BULLETS)
        if (numbered := NUMBER.match(said)) and numbered[2] and START.match(said[numbered.end() :]):
            self.shift = int(numbered[2])

    def _add(self, claim: Claim, at: int, used: int) -> None:
        self.reading.claim_of[at : at + used] = [len(self.reading.claims)] * used
        self.reading.stated[at : at + used] = [True] * used
        self.reading.claims.append(claim)
        self.last = claim.number

    def _close(self) -> None:
        """The facts that were gathered below a step may make up its whole state."""
        if self.open is None:
            return
        at, self.open = self.open, None
        head = self.reading.statements[at]
        state = self.world.whole(self.facts)
        for n in range(len(self.reading.claims) - 1, -1, -1):
            claim = self.reading.claims[n]
            if claim.number == head.number and claim.text == head.text:
                self.reading.claims[n] = replace(claim, state=claim.state if state is None else state)
                return

    # --- everything else ---------------------------------------------------------------------------------------

    def _other(self, unit: Unit) -> int:
        """Read a unit as prose, or as a part of a state; how many lines it took."""
        text, used = self._with_rows(unit)
        if len(text) > _LONGEST_LINE:
            return used
        if self.conventions is None:
            self.conventions = read_conventions([line.casefold() for line in self.reading.lines])
            self.conventions.first = self.first
        if legend_of(text.casefold()):
            return used
        number, action, place, body, head = self._head(text)
        found: list[Statement] = []
        line = unit.text.strip()
        parts = [body] if "\n" in body else [part for one in sentences(body) for part in self.world.cut(one)]
        for n, part in enumerate(parts or [""]):
            said = read_sentence(self.world, part, unit.at, line, self.conventions)
            if n == 0 and head:
                said = said or Statement(unit.at, line)
                counted = not self.explicit
                listed = action is None and re.match(r"\W*\d+[.)]", line) is not None
                said = replace(
                    said, number=number, action=action, place=place, head=True, moves=(), listed=listed, counted=counted
                )
            if said is not None:
                found.append(said)
        if head and action is None and place != "start" and not any(one.facts or one.same for one in found):
            found = [one for one in found if not one.head or one.takes_back]
        if found and found[0].head:
            self._close()
            first = found[0]
            if first.number is not None and (first.facts or not (first.same or first.place)):
                self._add(Claim(first.number, first.action, None, line), unit.at, max(used, 1))
                self.open, self.facts = len(self.reading.statements), {}
        for said in found:
            if said.facts:
                self.reading.stated[unit.at : unit.at + used] = [True] * used
            self.reading.statements.append(said)
            self._gather(said, unit, used)
        return used

    def _gather(self, said: Statement, unit: Unit, used: int) -> None:
        """Facts below a step belong to it, as long as they name no other place."""
        if self.open is None or not said.facts:
            return
        if not said.head and (said.place or said.number is not None or said.moves):
            self._close()
            return
        for fact in said.facts:
            if fact.when != "old" and len(fact.values) == 1:
                self.facts[fact.slot] = next(iter(fact.values))
        if not said.moving:
            n = len(self.reading.claims) - 1
            for at in range(unit.at, unit.at + used):
                if self.reading.claim_of[at] is None:
                    self.reading.claim_of[at] = n

    def _with_rows(self, unit: Unit) -> tuple[str, int]:
        """A line with the rows of a drawn state that belong to it."""
        if not unit.plain:
            return unit.text, unit.used
        lines, at = self.reading.lines, unit.at
        first = at if self._is_row(lines[at]) else at + 1
        if first > at:
            while first < min(len(lines), at + 4) and not lines[first].strip():
                first += 1
        end = first
        while end < min(len(lines), first + LONGEST_STATE) and self._is_row(lines[end]):
            end += 1
        if end - first < 2:
            return lines[at], 1
        return "\n".join([lines[at]][: first - at] + lines[first:end]), end - at

    def _is_row(self, line: str) -> bool:
        return bool(line.strip()) and self.world.is_row(line.strip().casefold())

    def _head(self, text: str) -> tuple[int | None, str | None, str, str, bool]:
        """Number, action and place that begin a line, and the rest of it."""
        top, _, below = text.partition("\n")
        self.explicit = True
        said = clean(top).strip().lstrip(BULLETS)
        raw = top.strip().lstrip(BULLETS + "`_")
        rest_below = f"\n{below}" if below else ""
        if self.world.is_row(said) and below:
            return None, None, "", text, False
        if start := START.match(said):
            return 0, None, "start", (start[1] or "") + rest_below, True
        led = LEADING.match(said)
        if led:
            said = said[led.end() :]
        number, rest, numbered = numbered_line(said, self.shift)
        if numbered and (start := START.match(rest)):
            return 0, None, "start", (start[1] or "") + rest_below, True
        arrow = LEADS_TO.search(rest)
        heads = [(rest[: arrow.start()], rest[arrow.end() :])] if arrow else list[tuple[str, str]]()
        clause = _CLAUSE.match(rest)
        if clause:
            # "the player walks up to (2,1)": the clause itself says something
            tail = rest if " " in clause[1].strip() else rest[clause.end() :]
            item = number is not None or top.lstrip()[:1] in ("#", "*", "-", "•") or not rest[clause.end() :].strip()
            if item:
                heads.append((clause[1], tail))
        if nth := NTH_ITEM.match(rest):
            return number, None, "", rest[nth.end() :] + rest_below, True
        if number is not None and len(self.world.read_moves(rest)) > 1:
            return None, None, "", rest + rest_below, False  # "1. 9r, 4r:" is no step
        for head, tail in heads:
            action = self.action(head)
            if action is None:
                continue
            if number is None and (led is None and _PROSE_HEAD.search(head)):
                continue
            body = tail + rest_below
            if not self._says(body):
                heading = number is None and not tail and (led is not None or top.lstrip()[:1] in ("#", "*"))
                if self._says(rest + rest_below) or (number is None and not heading):
                    break  # "1. Left: gray" names a face
            self.explicit = number is not None
            return number if number is not None else self.last + 1, action, "", body, True
        if number is not None and (not numbered or numbered[1] or not self._lists_parts(rest)):
            return number, None, "", rest + rest_below, True
        if numbered and number is not None:
            return None, None, "", rest + rest_below, False
        return None, None, "", text if not led else raw + rest_below, False

    def _lists_parts(self, rest: str) -> bool:
        """Whether "2. ..." is an item of a list of parts, and no step: it says something of a few slots alone."""
        facts = self.world.read_facts(rest, self.conventions or Conventions())
        return (len({fact.slot for fact in facts}) > 0 and self.action(re.split(r"[:=(]", rest)[0]) is not None) or len(
            facts
        ) == 1

    def _says(self, text: str) -> bool:
        said = read_sentence(self.world, text, 0, "", self.conventions or Conventions())
        return said is not None and bool(said.facts or said.same)

    def action(self, head: str) -> str | None:
        """The action that the words before a state name."""
        return action_of(self.world, head)


_PROSE_HEAD = re.compile(
    r"\b(?:is|are|was|if|so|because|since|face|look|see|asked|question|answer|if|would|could|can|must|should|need"
    r"|want)\b"
)
