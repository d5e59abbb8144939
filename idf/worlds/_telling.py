"""A solution told in three lengths: every state in full; what changes; only what the question needs."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Generic, NamedTuple

from ._facts import Conventions, legend_of
from ._world import Problem, Q, S, World

LENGTHS = ("full", "changes", "needed")
"""The lengths of a trace, the longest first. What cannot be told in one of them is told in the one before it."""

_TOKEN = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_")


class Told(NamedTuple):
    """A solution in words.

    Attributes:
        text: The words, without the answer line.
        length: The length of LENGTHS in which it is told.
    """

    text: str
    length: str


class Telling(Generic[S, Q]):
    """How the solutions of one world are told shorter than in full.

    As it stands it tells the changes of any world whose facts have names, such as the faces of a cube; what it says is read
    back by the world's own reader before it is used. A world with other facts says how they are worded (`change`), and every
    world what its questions need (`needed`).

    Attributes:
        world: The world.
    """

    def __init__(self, world: World[S, Q]) -> None:
        self.world = world

    # --- what changes ------------------------------------------------------------------------------------------

    def slots(self, state: S) -> Mapping[Hashable, Hashable]:
        """What is told of a state: slot -> value; all its facts by default."""
        return self.world.facts(state)

    def change(self, before: S, after: S) -> str | None:
        """What differs between two states, in words that `World.read_facts` reads; None or empty if there are none."""
        changed = differing(self.slots(before), self.slots(after))
        named = all(isinstance(part, str) for fact in changed.items() for part in fact)
        return " ".join(f"{slot} {value}" for slot, value in changed.items()) if changed and named else None

    def step(self, number: int, action: str, said: str) -> str:
        """The line of a step."""
        return f"{number}. {action}: {said}"

    def opening(self, problem: Problem[S, Q], full: list[str]) -> list[str]:
        """The lines before the first step, of those that the full trace has there."""
        return full

    def ending(self, problem: Problem[S, Q], full: list[str]) -> list[str]:
        """The lines behind the last step, of those that the full trace has there."""
        return full

    def changes(self, problem: Problem[S, Q]) -> str | None:
        """The solution with what changes in each step; None if this world cannot tell it."""
        lines = self.world.narrate(problem).splitlines()
        start, actions = problem.start, self.world.solve(problem)
        unrolled = self.world.unroll(start, actions).splitlines()
        begin = next((at for at in range(len(lines)) if lines[at : at + len(unrolled)] == unrolled), None)
        if begin is None:
            return None  # it tells its solutions in a form of its own
        beginning = begin + len(self.world.unroll(start, ()).splitlines())
        told = self.opening(problem, lines[:beginning])
        for number, action, before, after in self.steps(problem):
            said = self.change(before, after)
            if not said or not self._is_read(said, before, after):
                return None
            told = [*told, self.step(number, action, said)]
        return "\n".join([*told, *self.ending(problem, lines[begin + len(unrolled) :])])

    def steps(self, problem: Problem[S, Q]) -> Iterator[tuple[int, str, S, S]]:
        """Number, action, the state before and the state after of each step."""
        actions = self.world.solve(problem)
        states = self.world.replay(problem.start, actions)
        for number, action in enumerate(actions, 1):
            yield number, action, states[number - 1], states[number]

    def _is_read(self, said: str, before: S, after: S) -> bool:
        """Whether the world reads what is said: everything that differs, and nothing that is false."""
        if legend_of(said.casefold()):
            return False  # "u blue, l yellow" would explain its letters
        truth = self.slots(after)
        read = {fact.slot: fact.values for fact in self.world.read_facts(said.casefold(), Conventions())}
        return differing(self.slots(before), truth).keys() <= read.keys() and all(
            truth.get(slot) in values for slot, values in read.items()
        )

    # --- what is needed ----------------------------------------------------------------------------------------

    def needed(self, problem: Problem[S, Q]) -> str | None:
        """The solution with only what the question needs; None if all that changes is needed."""
        return None


AnyTelling = Telling[Any, Any]


def differing(before: Mapping[Hashable, Hashable], after: Mapping[Hashable, Hashable]) -> dict[Hashable, Hashable]:
    """The slots of a state that are others than before, with their values."""
    return {slot: value for slot, value in after.items() if before.get(slot) != value}


def tell(telling: AnyTelling, problem: Problem[Any, Any], length: str) -> Told:
    """A solution in a length, or in the next longer one in which it can be told, if that is no longer.

    Args:
        telling: How its world tells.
        problem: The problem.
        length: One of LENGTHS.

    Raises:
        ValueError: The length is unknown.
    """
    if length not in LENGTHS:
        raise ValueError(f"unknown length {length!r}: use one of {', '.join(LENGTHS)}")
    if length == LENGTHS[0]:
        return Told(telling.world.narrate(problem), length)
    longer = tell(telling, problem, LENGTHS[LENGTHS.index(length) - 1])
    text = telling.changes(problem) if length == "changes" else telling.needed(problem)
    return longer if text is None or tokens_in(text) >= tokens_in(longer.text) else Told(text, length)


def tokens_in(text: str) -> int:
    """The words, digits and signs of a text: about as many as it has tokens."""
    return len(_TOKEN.findall(text))
