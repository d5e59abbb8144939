"""What all worlds have in common whose problems ask for a plan."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from idf.answers import AnswerKind, Notation
from idf.answers.plan import Plan

from ._world import Answer, IllegalAction, Outcome, Problem, Q, S, World


class PlanningWorld(World[S, Q]):
    """A world that asks for a plan from the start to a goal. Its answer is the plan, its truth a shortest one.

    Class attributes:
        notation: How its moves are written.
    """

    notation: ClassVar[Notation]
    plans = True

    @abstractmethod
    def is_goal(self, problem: Problem[S, Q], state: S) -> bool:
        """Whether a state is what the problem wants."""

    def answer(self, problem: Problem[S, Q]) -> AnswerKind:
        return self.answers[0]

    @property
    def answers(self) -> tuple[AnswerKind, ...]:
        return (Plan(self.notation),)

    def truth(self, problem: Problem[S, Q]) -> tuple[str, ...]:
        return self.solve(problem)

    def initial(self, problem: Problem[S, Q]) -> tuple[str, ...]:
        return ()

    def judge(self, problem: Problem[S, Q], answer: Answer) -> Outcome:
        """Replay a whole plan and judge it.

        A plan is right only if every step is legal and the goal holds after the last one: a plan that passes the goal
        and goes on is judged by where it ends.
        """
        plan, optimal = tuple(answer), len(self.solve(problem))
        state, touched = problem.start, self.is_goal(problem, problem.start)
        for number, action in enumerate(plan, 1):
            try:
                state = self.step(state, action)
            except IllegalAction as broken:
                detail = f"move {number} ({action}) is illegal: {broken}"
                return Outcome(False, "illegal", detail, len(plan), optimal, touched)
            touched = touched or self.is_goal(problem, state)
        if not self.is_goal(problem, state):
            detail = f"the plan of {len(plan)} moves does not end at the goal" + (
                ", though it passes it" if touched else ""
            )
            return Outcome(False, "incomplete", detail, len(plan), optimal, touched)
        return Outcome(True, None, f"solved in {len(plan)} moves; {optimal} are enough", len(plan), optimal, touched)
