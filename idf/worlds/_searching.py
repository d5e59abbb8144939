"""A search for a plan, told with its subgoals, its first tries, why they fail, and the way back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple

from ._planning import PlanningWorld
from ._remarks import Remark
from ._rng import Rng
from ._world import IllegalAction, Problem, Q, S

TRIES = {"easy": (1, 2), "medium": (1, 3), "hard": (2, 4)}
"""The fewest and the most tries of a trace, by difficulty; fewer where fewer moves invite one."""
LONGEST_TRY = 2  # moves


class Try(NamedTuple):
    """Moves that lead nowhere.

    Attributes:
        moves: The legal ones, in order; may be empty.
        kind: How it fails: "illegal", "dead end" or "away".
        why: The sentence that says it.
    """

    moves: tuple[str, ...]
    kind: str
    why: str


class Search(ABC, Generic[S, Q]):
    """How one planning world searches, and how what is said of a search there is read and judged.

    Attributes:
        world: The world.
    """

    def __init__(self, world: PlanningWorld[S, Q]) -> None:
        self.world = world

    @abstractmethod
    def left(self, problem: Problem[S, Q], state: S) -> int | None:
        """The least number of moves from a state to the goal; None if it can no longer be reached."""

    @abstractmethod
    def tempting(self, problem: Problem[S, Q], state: S) -> list[str]:
        """The moves that bring a player nearer who sees no obstacle, the most tempting first; legal or not."""

    @abstractmethod
    def subgoal(self, states: Sequence[S], plan: Sequence[str], at: int) -> str:
        """What the next moves of a plan are for, in a sentence; empty if there is nothing to say.

        Args:
            states: The states of the plan, the start included.
            plan: Its moves.
            at: How many of them are done.
        """

    @abstractmethod
    def read(self, said: str, first: int) -> list[Remark]:
        """What a sentence in lower case says of the search; cells count from `first`."""

    @abstractmethod
    def dead_end(self, state: S) -> str:
        """The sentence on a state from which the goal cannot be reached."""

    @abstractmethod
    def untrue_here(self, problem: Problem[S, Q], state: S, remark: Remark) -> str:
        """Why what a remark of the kind "illegal" or "subgoal", or its corner, says of a state is false; else empty."""

    def untrue(self, problem: Problem[S, Q], course: Sequence[S], at: int, planned: int | None, remark: Remark) -> str:
        """Why a remark is false; empty if it is true.

        Args:
            problem: The problem.
            course: The states that the trace has come through.
            at: Where in them it is.
            planned: The moves that are left of the plan that it answers with; None if it is not on its way.
            remark: What it says. "back" is judged by the steps that follow.
        """
        if remark.kind == "dead end":
            left = self.left(problem, course[at])
            if left is not None:
                return f"{remark.text!r}: the goal can be reached in {left} moves"
        if remark.kind == "away":
            before, now = (self.left(problem, course[n]) for n in (max(at - 1, 0), at))
            if now is not None and before is not None and now <= before:
                return f"{remark.text!r}: {before} moves were left, {now} are"
        if remark.kind == "left":
            there = at if remark.step is None else remark.step
            if there >= len(course):
                return f"{remark.text!r}: there is no step {there} yet"
            left = self.left(problem, course[there])
            if remark.left not in (left, planned if remark.step is None else left):
                return f"{remark.text!r}: {'none' if left is None else left} would do"
        return self.untrue_here(problem, course[at], remark)

    def narrate(self, problem: Problem[S, Q], rng: Rng) -> str:
        """A search that ends in a shortest plan, in words, without the answer line.

        Args:
            problem: The problem.
            rng: Decides how many tries there are, where, and how far they go.
        """
        plan = self.world.solve(problem)
        states = self.world.replay(problem.start, plan)
        tries = self._tries(problem, states, plan, rng)
        opening, *steps = self.world.unroll(problem.start, plan).splitlines()
        first, *_, last = self.world.narrate(problem).splitlines()
        lines, said = [first, opening], ""
        for at, step in enumerate(steps):
            if (subgoal := self.subgoal(states, plan, at)) not in ("", said):
                said = subgoal
                lines.append(f"Subgoal: {subgoal}")
            if at in tries:
                lines += self._told(states[at], at, tries[at])
            lines.append(step)
        return "\n".join([*lines, last])

    def _told(self, state: S, at: int, tried: Try) -> list[str]:
        """A try step by step, why it fails, and the way back."""
        lines = []
        here = state
        for number, move in enumerate(tried.moves, at + 1):
            here = self.world.step(here, move)
            lines.append(f"{number}. {move}: {self.world.line(here)}")
        lines.append(tried.why)
        if tried.moves:
            lines.append(f"Back to {f'step {at}' if at else 'the start'}: {self.world.line(state)}")
        return lines

    def _tries(self, problem: Problem[S, Q], states: Sequence[S], plan: Sequence[str], rng: Rng) -> dict[int, Try]:
        """Where the trace errs first, and how: number of moves done -> the try."""
        found = self._failures(problem, states, plan, rng, self.tempting)
        if not found:  # nothing tempts off the way: any move will do
            found = self._failures(problem, states, plan, rng, lambda of, state: list(self.world.actions))
        fewest, most = TRIES[problem.difficulty]
        number = fewest + rng.below(most - fewest + 1)
        # Dead ends are the rarest, and teach the most.
        places = sorted(rng.shuffled(sorted(found)), key=lambda at: found[at].kind != "dead end")
        return {at: found[at] for at in places[:number]}

    def _failures(
        self,
        problem: Problem[S, Q],
        states: Sequence[S],
        plan: Sequence[str],
        rng: Rng,
        moves: Callable[[Problem[S, Q], S], list[str]],
    ) -> dict[int, Try]:
        """For each number of moves done a try that fails, of the moves that come into question there."""
        found: dict[int, Try] = {}
        for at, (state, move) in enumerate(zip(states, plan)):
            options: dict[str, Try] = {}  # of each kind of failure the first one
            for other in moves(problem, state):
                if other != move and (tried := self._fails(problem, state, at, other, 1 + rng.below(LONGEST_TRY))):
                    options.setdefault(tried.kind, tried)
            if options:
                found[at] = options.get("dead end") or options[rng.choice(sorted(options))]
        return found

    def _fails(self, problem: Problem[S, Q], state: S, at: int, move: str, most: int) -> Try | None:
        """The try that a move begins, up to where it fails; None if the move is as good as any."""
        moves: list[str] = []
        here = state
        while True:
            try:
                there = self.world.step(here, move)
            except IllegalAction as broken:
                return Try(tuple(moves), "illegal", f"{move} is illegal here: {broken}.")
            before, now = self.left(problem, here), self.left(problem, there)
            if now is None:
                return Try((*moves, move), "dead end", self.dead_end(there))
            if before is None or now < before:
                return self._away(problem, state, at, moves, here) if moves else None
            moves, here = [*moves, move], there
            tempting = self.tempting(problem, here)
            if len(moves) == most or not tempting:
                return self._away(problem, state, at, moves, here)
            move = tempting[0]

    def _away(self, problem: Problem[S, Q], state: S, at: int, moves: Sequence[str], here: S) -> Try:
        before, now = self.left(problem, state), self.left(problem, here)
        return Try(tuple(moves), "away", f"This leads away: {now} moves are left, {before} {_after(at)}.")


def _after(step: int) -> str:
    return f"after step {step}" if step else "at the start"


AnySearch = Search[Any, Any]
