"""What all worlds have in common whose problems say what happens and ask what is there at the end."""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from typing import Any

from ._world import Answer, Outcome, Problem, Q, S, World


class DescribedWorld(World[S, Q]):
    """A world that names the actions and asks for something that is read off the state at their end."""

    @abstractmethod
    def read_off(self, state: S, query: Q) -> Answer:
        """What is asked, read off a state."""

    def _says_truth(self, problem: Problem[S, Q]) -> str:
        """One sentence on the true answer, for `judge`."""
        return f"the answer is {self.answer(problem).write(self.truth(problem))}"

    def truth(self, problem: Problem[S, Q]) -> Answer:
        return _truth(self, problem)

    def initial(self, problem: Problem[S, Q]) -> Answer:
        return self.read_off(problem.start, problem.query)

    def judge(self, problem: Problem[S, Q], answer: Answer) -> Outcome:
        correct = self.answer(problem).same(answer, self.truth(problem))
        return Outcome(correct, None if correct else "wrong", self._says_truth(problem))


@lru_cache(maxsize=1024)  # every answer to a problem is compared with it
def _truth(world: DescribedWorld[Any, Any], problem: Problem[Any, Any]) -> Answer:
    return world.read_off(world.replay(problem.start, world.solve(problem))[-1], problem.query)
