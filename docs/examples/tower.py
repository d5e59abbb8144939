"""Tower: four discs on three pegs; carry the tower to another peg, never a larger disc onto a smaller one."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import NamedTuple

from idf.answers import Phrases

from ._planning import PlanningWorld
from ._rng import Rng
from ._world import IllegalAction, Keys, Problem, Scene, Walk

Pegs = tuple[int, ...]
"""The peg of each disc, the smallest first: 0, 1 or 2."""


class Query(NamedTuple):
    """The state to reach, as `Tower.write` writes it."""

    target: str


class Tower(PlanningWorld[Pegs, Query]):
    """The world of the pegs. Difficulty is the least number of moves."""

    name = "tower"
    version = 1
    query_type = Query
    actions = tuple(f"{a}->{b}" for a in "abc" for b in "abc" if a != b)
    notation = Phrases(
        (
            (r"([abc]) ?(?:->|→|to) ?([abc])\b", r"\1->\2"),
            (r"move (?:the )?(?:top )?dis[ck] from (?:peg )?([abc]) to (?:peg )?([abc])\b", r"\1->\2"),
        )
    )
    bins = {"easy": range(1, 4), "medium": range(4, 8), "hard": range(8, 16)}
    rule = "Four discs stand on three pegs a, b and c; a->c carries the top disc of a to c, never onto a smaller one."
    look = "Write the peg of each disc, the smallest first."

    def draw(self, rng: Rng, difficulty: str) -> Pegs:
        return tuple(rng.below(3) for _ in range(4))

    def legal_actions(self, state: Pegs) -> tuple[str, ...]:
        return tuple(action for action in self.actions if _after(state, action))

    def step(self, state: Pegs, action: str) -> Pegs:
        there = _after(state, action) if action in self.actions else None
        if there is None:
            raise IllegalAction(f"{action!r} carries no disc, or a disc onto a smaller one")
        return there

    def write(self, state: Pegs) -> str:
        return " ".join("abc"[peg] for peg in state)

    def read(self, text: str) -> Pegs:
        return tuple("abc".index(peg) for peg in text.split())

    def pose(self, rng: Rng, difficulty: str) -> Problem[Pegs, Query]:
        while True:
            start, target = self.draw(rng, difficulty), self.draw(rng, difficulty)
            if len(_shortest(start, target)) in self.sizes(difficulty):
                return Problem(self.name, difficulty, start, Query(self.write(target)))

    def size(self, problem: Problem[Pegs, Query]) -> int:
        return len(self.solve(problem))

    def _question(self, problem: Problem[Pegs, Query], *, short: bool, described: bool) -> str:
        shown = f"Start: {self.write(problem.start)}. " if described else "The picture shows the start. "
        return f"{'' if short else self.rule + ' '}{shown}Target: {problem.query.target}. Which moves?"

    def is_goal(self, problem: Problem[Pegs, Query], state: Pegs) -> bool:
        return self.write(state) == problem.query.target

    def solve(self, problem: Problem[Pegs, Query]) -> tuple[str, ...]:
        return _shortest(problem.start, self.read(problem.query.target))

    def narrate(self, problem: Problem[Pegs, Query]) -> str:
        return self.unroll(problem.start, self.solve(problem))

    def wander(self, rng: Rng, difficulty: str) -> Walk[Pegs]:
        problem = self.pose(rng, difficulty)
        question, start = "Where are the discs at the end?", self.write(problem.start)
        return Walk(
            self.name, difficulty, problem.start, self.solve(problem), question, "", problem.query.target, start
        )

    def keys(self, scene: Scene) -> Keys:
        start, moves = self.course(scene)
        key = f"{self.write(start)} | {self.write(self.replay(start, moves)[-1])}"
        return Keys(exact=key, canonical=key, skeleton=key)


def _after(state: Pegs, action: str) -> Pegs | None:
    here, there = "abc".index(action[0]), "abc".index(action[-1])
    disc = next((disc for disc, peg in enumerate(state) if peg == here), None)
    if disc is None or there in state[:disc]:
        return None
    return (*state[:disc], there, *state[disc + 1 :])


@lru_cache(maxsize=1024)
def _shortest(start: Pegs, target: Pegs) -> tuple[str, ...]:
    plans: dict[Pegs, tuple[str, ...]] = {start: ()}
    queue = deque([start])
    while target not in plans:
        here = queue.popleft()
        for action in Tower.actions:
            if (there := _after(here, action)) is not None and there not in plans:
                plans[there] = (*plans[here], action)
                queue.append(there)
    return plans[target]


WORLD = Tower()
