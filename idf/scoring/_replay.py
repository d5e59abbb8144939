"""A trace beside its world: all that it says of states is compared with them, in its order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from idf.worlds import ALL, WORLDS, Conventions, Fact, IllegalAction, Problem, Remark

from ._claims import Reading
from ._process import is_read_off, reads_off
from ._search import untrue_remark
from ._statements import Statement, clean

_FEW = 3  # values that prose may give of the state before a step


@dataclass(frozen=True)
class _False:
    """A false claim: the statement that makes it, the step that it speaks of, and of which slots."""

    by: int
    number: int
    slots: frozenset[Hashable]
    why: str
    of_search: bool = False  # whether it is a remark on the search, no state


@dataclass
class Replay:
    """One trace beside its world."""

    problem: Problem[Any, Any]
    reading: Reading
    actions: Sequence[str]
    at: int = 0  # the step that is spoken of
    numbered: bool = False  # whether steps are named, so that none is passed in silence
    works: bool = False  # whether anything beyond the start is claimed and true
    false: list[_False] = field(default_factory=list)
    true: list[tuple[int, int, frozenset[Hashable]]] = field(default_factory=list)
    covered: dict[int, set[Hashable]] = field(default_factory=dict)
    said: dict[int, set[Hashable]] = field(default_factory=dict)
    heads: set[int] = field(default_factory=set)  # the statements that begin a step
    sights: set[Hashable] = field(default_factory=set)  # what is seen along lines of sight, and said to be
    back_to: int | None = None  # the step that the trace has just gone back to
    illegal: list[tuple[int, str]] = field(
        default_factory=list
    )  # the statements that call a move illegal, and the move
    unmade: set[int] = field(default_factory=set)  # the statements that claim a step with an illegal move
    dropped: set[int] = field(default_factory=set)  # statements of a try that was dropped for what it led to

    def __post_init__(self) -> None:
        self.world = WORLDS[self.problem.world]
        self.states = self.world.replay(self.problem.start, self.actions)
        self.course: list[Any] = self.states  # the states of the plan that the trace follows at the moment
        self.names = list(self.actions)  # and its actions
        self.goal = self.world.goal_facts(self.problem)
        self._facts: dict[Any, Mapping[Hashable, Hashable]] = {}
        self._lines: dict[Any, Hashable | None] = {}
        self._signals = list(accumulate((said.takes_back for said in self.reading.statements), initial=0))
        self._behind = max((at for at, claim in enumerate(self.reading.claim_of) if claim is not None), default=-1)
        self.asked: Mapping[Hashable, frozenset[Hashable]] | None = None

    def run(self) -> None:
        """Take in everything that the trace says, in its order."""
        self.numbered = any(said.head and said.number for said in self.reading.statements)
        for by, said in enumerate(self.reading.statements):
            if said.head and not (said.listed and said.number is not None and said.number > len(self.actions)):
                self.heads.add(by)
                self._head(by, said)
            else:
                self._prose(by, said)
            for remark in said.remarks:
                self._remark(by, remark)

    # --- steps -------------------------------------------------------------------------------------------------

    def _head(self, by: int, said: Statement) -> None:
        number = 0 if said.place == "start" else said.number
        assert number is not None
        if number == 0:
            self.at = 0
            self.course, self.names = self.states, list(self.actions)
            self._claims(by, said, 0)
            return
        if said.counted:  # "- right: ...", behind prose that counts on as well
            if self.names[self.at : self.at + 1] == [said.action]:
                number = self.at + 1
            elif self.at and self.names[self.at - 1] == said.action and self.at not in self.said:
                number = self.at
        self.numbered = True
        if self.back_to is not None and self.world.plans and number > self.back_to + 1 and not said.counted:
            self._wrong(by, number, {ALL}, f"step {number} is claimed after going back to step {self.back_to}")
        self.back_to = None
        if not self._takes(by, said, number):
            return
        self.at = number
        self._claims(by, said, number)

    def _takes(self, by: int, said: Statement, number: int) -> bool:
        """Follow a step to where it leads; False if it leads nowhere."""
        action = said.action
        known = number < len(self.course)
        if action is None or (known and self.names[number - 1] == action):
            if action is not None and self.course is not self.states and self._back(number, action):
                self.course, self.names = self.states, list(self.actions)
            if known:
                return True
            if self.course is not self.states and number < len(self.states):
                self.course, self.names = self.states, list(self.actions)
                return True
            self._wrong(by, number, {ALL}, f"step {number} is claimed, there are {len(self.course) - 1}")
            return False
        if not self.world.plans:
            right = (
                f"is {self.names[number - 1]}, not {action}" if known else f"is claimed, there are {len(self.actions)}"
            )
            self._wrong(by, number, {ALL}, f"step {number} {right}")
            return False
        if self._back(number, action):
            self.course, self.names = self.states, list(self.actions)
            return True
        if number > len(self.course):
            self._wrong(by, number, {ALL}, f"step {number} is claimed after step {len(self.course) - 1}")
            return False
        try:
            there = self.world.step(self.course[number - 1], action)
        except (IllegalAction, KeyError, ValueError) as broken:
            right = f", not {action}" if known else ""
            told = (
                f"step {number} is {self.names[number - 1]}{right}" if known else f"step {number} ({action}) is illegal"
            )
            self._wrong(by, number, {ALL}, f"{told}: {broken}")
            self.unmade.add(by)
            return False
        self.course, self.names = [*self.course[:number], there], [*self.names[: number - 1], action]
        return True

    def _back(self, number: int, action: str) -> bool:
        """Whether a step is that of the true course, from a state that the trace has come to."""
        return (
            number <= len(self.actions)
            and self.actions[number - 1] == action
            and number - 1 < len(self.course)
            and self.course[number - 1] == self.states[number - 1]
        )

    # --- prose -------------------------------------------------------------------------------------------------

    def _prose(self, by: int, said: Statement) -> None:
        if said.place == "target" and self.goal:
            false = [fact for fact in said.facts if fact.slot in self.goal and self.goal[fact.slot] not in fact.values]
            if false:
                self._wrong(by, 0, {fact.slot for fact in false}, f"claimed is {said.text!r}, which is not the target")
            rest = tuple(fact for fact in said.facts if fact.slot not in self.goal)
            if not rest:
                return
            said = replace(said, facts=rest, place="")
        last = len(self.course) - 1
        number, named = self._where(said)
        if not (said.facts or said.same):
            return
        if number > last:
            if self.world.plans and not named:
                return
            self._wrong(by, number, {ALL}, f"step {number} is claimed, there are {last}: {said.text!r}")
            return
        self._claims(by, said, number, named)

    def _where(self, said: Statement) -> tuple[int, bool]:
        """The step that a sentence speaks of, and whether it says so; goes there if it tells the step."""
        last = len(self.course) - 1
        if said.at > self._behind and reads_off(self.problem, said.text):
            return last, True
        if said.number is not None and not said.listed:
            number = max(0, said.number - said.before)
            if number <= last and (said.facts or said.moves or number == self.at + 1) and not said.before:
                self.at, self.numbered = number, True
            return number, True
        if said.place == "end":
            if said.facts:
                self.at = last
            return last, True
        moves = said.moves
        if (
            moves
            and list(moves) == self.names[self.at : self.at + len(moves)]
            and (said.facts or (len(moves) == 1 and not self.numbered))
        ):
            self.at += len(moves)
            return self.at, True
        if said.place == "start":
            return 0, True
        return self.at, False

    # --- the search --------------------------------------------------------------------------------------------

    def _remark(self, by: int, remark: Remark) -> None:
        """Take in what is said of the search: go back, or compare it with the world."""
        if remark.kind == "back":
            self._go_back(by, remark.step or 0)
            return
        if remark.kind == "illegal":
            self.illegal.append((by, remark.action))
        on_course = self.at < len(self.states) and self.course[self.at] == self.states[self.at]
        planned = len(self.actions) - self.at if on_course else None
        if why := untrue_remark(self.problem, self.course, self.at, planned, remark):
            self.false.append(_False(by, self.at, frozenset({ALL}), why, of_search=True))

    def _go_back(self, by: int, step: int) -> None:
        """Go back to a step. What a try claimed falsely is not put right by that it is dropped for what it led to."""
        if step >= len(self.course):
            self._wrong(by, step, {ALL}, f"it goes back to step {step}, there are {len(self.course) - 1}")
            return
        self.at = self.back_to = step
        for false in self.false:
            move = self.reading.statements[false.by].action
            called_illegal = false.by in self.unmade and any(
                false.by < at <= by and other == move for at, other in self.illegal
            )
            if false.number > step and not called_illegal and not self._signal(false.by, by):
                self.dropped.add(false.by)

    # --- truth -------------------------------------------------------------------------------------------------

    def _claims(self, by: int, said: Statement, number: int, named: bool = True) -> None:
        """Compare what a statement says of a step."""
        state = self.course[number]
        if said.state is not None:
            if said.state == self._line(state):
                self._right(by, number, {ALL})
            elif part := self._part(said, number):
                self._right(by, number, part)
            else:
                where = f"after step {number} ({self.names[number - 1]})" if number else "at the start"
                self._wrong(
                    by,
                    number,
                    self._differing(said, number),
                    f"{where} the state is {self.world.line(state)!r}, claimed is {said.text!r}",
                )
            return
        if said.same:
            self._unchanged(by, said, number)
        if not said.facts:
            return
        self.works = self.works or said.sees
        spans = len({(fact.begin, fact.end) for fact in said.facts if not fact.when})
        false = self._false(said, number, spans, named)
        if false and not named and not self.numbered and number + 1 < len(self.course):
            # A trace that names no steps goes on to the next when it says something else of the same slots.
            slots = {fact.slot for fact in said.facts}
            if slots & self.said.get(number, set()) or number == 0:
                steps = range(number + 1, len(self.course) if self.world.steps_at_once else number + 2)
                there = next((step for step in steps if not self._false(said, step, spans, named)), None)
                if there is not None:
                    self.at = number = there
                    false = []
        if false:
            state = self.course[number]
            where = f"after step {number} ({self.names[number - 1]})" if number else "at the start"
            self._wrong(
                by,
                number,
                {fact.slot for fact in false},
                f"{where} the state is {self.world.line(state)!r}, claimed is {said.text!r}",
            )
        right = {fact.slot for fact in said.facts if self._at(fact, number) or self._seen(fact)}
        if said.sees:
            self.sights |= right
        if right:
            self._right(by, number, right)
        self.said.setdefault(number, set()).update(fact.slot for fact in said.facts if fact.when != "old")

    def _differing(self, said: Statement, number: int) -> set[Hashable]:
        """The slots of a whole state that are false."""
        facts = self.world.read_facts(clean(said.text), Conventions())
        return {fact.slot for fact in facts if not self._at(fact, number)} or {ALL}

    def _part(self, said: Statement, number: int) -> set[Hashable]:
        """The slots of a list of cubes that leaves some out, if all of it is true."""
        facts = self.world.read_facts(clean(said.text), Conventions())
        slots = {fact.slot for fact in facts}
        everything = {slot for slot in self.facts(self.course[number]) if _kind(slot) == "cell"}
        if self.world.whole(dict.fromkeys(slots, 0)) is not None or len(slots) >= len(everything):
            return set()
        return slots if all(self._at(fact, number) for fact in facts) else set()

    def _false(self, said: Statement, number: int, spans: int, named: bool) -> list[Fact]:
        """The facts of a statement that hold nowhere where it may speak of."""
        found = []
        for fact in said.facts:
            places = [number]
            if fact.when == "old" and (said.moving or not named):
                places = [number - 1, number, 0]
            elif (
                not fact.when and said.moving and said.place != "end" and spans <= _FEW and len(said.facts) <= 3 * _FEW
            ):
                places.append(number - 1)
            if said.place == "check" and not named:
                places.append(len(self.course) - 1)
            if said.undoes:
                places = list(range(len(self.course)))
            if not any(self._at(fact, place) for place in places if 0 <= place < len(self.course)) and not self._seen(
                fact
            ):
                found.append(fact)
        return found

    def _at(self, fact: Fact, number: int) -> bool:
        return self.facts(self.course[number]).get(fact.slot) in fact.values

    def _seen(self, fact: Fact) -> bool:
        """Whether a fact is what may be read off without the steps."""
        if self.asked is None:
            self.asked = self.world.asked_facts(self.problem)
        return bool(self.asked.get(fact.slot, frozenset()) & fact.values)

    def _unchanged(self, by: int, said: Statement, number: int) -> None:
        """Compare what a statement says does not change."""
        if said.moves and not (number and said.moves[-1] == self.names[number - 1]):
            return  # a rule: "rolling right, front and back stay"
        whole = ALL in said.same
        if number == 0 or said.through:
            if not whole and not said.through:
                return
            pairs = list(zip(range(len(self.course) - 1), range(1, len(self.course))))
        else:
            pairs = [(number - 1, number)]
        for before, after in pairs:
            one, other = self.facts(self.course[before]), self.facts(self.course[after])
            slots = (set(one) | set(other)) if whole else said.same
            if any(one.get(slot) != other.get(slot) for slot in slots):
                self._wrong(by, after, set(said.same), f"step {after} changes what stays in {said.text!r}")
                return
        self.works = self.works or (said.through and bool(pairs))

    def facts(self, state: Any) -> Mapping[Hashable, Hashable]:
        """All that can be said of a state."""
        if state not in self._facts:
            self._facts[state] = self.world.facts(state)
        return self._facts[state]

    def _line(self, state: Any) -> Hashable | None:
        if state not in self._lines:
            self._lines[state] = self.world.read_line(self.world.line(state))
        return self._lines[state]

    def _wrong(self, by: int, number: int, slots: set[Hashable], why: str) -> None:
        self.false.append(_False(by, number, frozenset(slots), why))

    def _right(self, by: int, number: int, slots: set[Hashable]) -> None:
        self.true.append((by, number, frozenset(slots)))
        if number < len(self.states) and (self.course is self.states or self.course[number] == self.states[number]):
            said = self.reading.statements[by]
            if by in self.heads or not is_read_off(self.problem, said.text):
                self.covered.setdefault(number, set()).update(slot for slot in slots if _kind(slot) != "column")
            self.works = self.works or number > 0 or len(self.states) == 1

    # --- verdicts ----------------------------------------------------------------------------------------------

    def judged(self) -> tuple[str, int]:
        """The first false claim that stands, and how many were taken back."""
        standing, first = "", len(self.states) + 1
        taken: list[_False] = []
        for false in self.false:
            if self._taken_back(false):
                taken.append(false)
            elif not standing:
                standing, first = false.why, false.number
        number = len(self.states) + 1
        if self.course is not self.states:
            number = next(n for n, (a, b) in enumerate(zip([*self.names, ""], [*self.actions, ""]), 1) if a != b)
        if self.course is not self.states and number <= first:
            said = self.names[number - 1] if number <= len(self.names) else "left out"
            truth = self.actions[number - 1] if number <= len(self.actions) else "the last but one"
            standing = f"step {number} is {truth}, not {said}"
        corrections = 0
        before: _False | None = None
        for false in taken:
            follows = before is not None and false.number > before.number and not self._signal(before.by, false.by)
            corrections += not follows
            before = false
        return standing, corrections

    def _taken_back(self, false: _False) -> bool:
        """Whether a later statement puts a false claim right, and the trace says that it does, or goes back for it."""
        if false.by in self.dropped:
            return False
        if false.of_search:
            return self._signal(false.by, min(false.by + 1, len(self.reading.statements) - 1))
        contradicts = any(by < false.by and number == false.number for by, number, _ in self.true)
        true = self.facts(self.states[false.number]) if false.number < len(self.states) else {}
        nowhere = not any(slot in true for slot in false.slots)  # a cube in a cell that is empty
        for by, number, slots in self.true:
            if by <= false.by:
                continue
            goes_back = by in self.heads and false.by in self.heads and not contradicts
            if not (goes_back or self._signal(false.by, by)):
                continue
            same = ALL in slots or ALL in false.slots or nowhere or bool(slots & false.slots)
            if number == false.number and same:
                return True
            if (
                number < false.number
                and by in self.heads
                and any(one.number == number and one.by < false.by for one in self.false)
            ):
                return True  # what followed a step that is put right goes with it
        return False

    def _signal(self, begin: int, end: int) -> bool:
        """Whether the trace says, behind one statement and up to another, that something was wrong."""
        return self._signals[end + 1] > self._signals[begin + 1]


def _kind(slot: Hashable) -> str:
    """A state may be told by its things, by its cells, or by columns that are read off it."""
    if isinstance(slot, tuple):
        return "column" if slot[0] == "column" else "cell"
    return "thing"
