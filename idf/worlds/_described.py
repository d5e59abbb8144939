"""What all worlds have in common whose problems say what happens and ask what is there at the end."""

from __future__ import annotations

from abc import abstractmethod

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
        return self.read_off(self.replay(problem.start, self.solve(problem))[-1], problem.query)

    def initial(self, problem: Problem[S, Q]) -> Answer:
        return self.read_off(problem.start, problem.query)

    def judge(self, problem: Problem[S, Q], answer: Answer) -> Outcome:
        correct = self.answer(problem).same(answer, self.truth(problem))
        return Outcome(correct, None if correct else "wrong", self._says_truth(problem))
