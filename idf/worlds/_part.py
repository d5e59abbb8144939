"""What all worlds have in common that show a scene in part and ask whether what is shown decides the answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from idf.answers import UNDETERMINED, AnswerKind, OrUndetermined

from ._rng import Rng
from ._sampling import side_of, split_of
from ._world import Answer, Keys, Outcome, Problem, Q, S, Scene, Walk, World


class Evidence(NamedTuple):
    """What a trace says of the states that agree with what is shown.

    Attributes:
        false: The first line that says something false, with what is true; None if there is none.
        missing: What it does not say of what decides the answer; None if it says all.
        said: How many lines say something true.
    """

    false: str | None
    missing: str | None
    said: int


class PartWorld(World[S, Q]):
    """A world that shows the scenes of another one in part.

    A question has an answer if and only if every state that agrees with what is shown gives the same one; otherwise the
    right answer is `UNDETERMINED`. What is shown stands in the query, in words. The start of a problem is the scene that
    was drawn, one of the states that agree: it decides the split, the size and what is published, never the answer.

    Class attributes:
        full: The world that shows all of its scenes.
        form_of_cases: How a teacher is told to write the states that agree, so that `evidence` reads them.
        asks_view: Whether it asks which view would settle what cannot be determined.
    """

    full: ClassVar[World[Any, Any]]
    in_part = True
    form_of_cases: ClassVar[str]
    asks_view: ClassVar[bool] = False

    @property
    def family(self) -> str:
        return self.full.name

    # --- what each of them says

    @abstractmethod
    def scene(self, problem: Problem[S, Q]) -> Problem[Any, Any]:
        """The problem of the whole world about the scene that was drawn."""

    @abstractmethod
    def shown(self, problem: Problem[S, Q]) -> str:
        """All that is shown of the scene that was drawn, as the query must say it."""

    @abstractmethod
    def told(self, query: Q) -> str:
        """All that a query says is shown."""

    @abstractmethod
    def pose_in(self, rng: Rng, difficulty: str, split: str | None) -> Problem[S, Q]:
        """A random problem whose scene and shown part are both of a split, or of either one if None."""

    @abstractmethod
    def part_key(self, problem: Problem[S, Q]) -> str:
        """A text that is equal for problems whose shown parts are the same up to the symmetries of the world."""

    @abstractmethod
    def decided(self, problem: Problem[S, Q]) -> Answer | None:
        """The one answer that all states give which agree with what is shown; None if they give several.

        Raises:
            ValueError: The query means nothing, or no state agrees with it.
        """

    @abstractmethod
    def evidence(self, problem: Problem[S, Q], lines: Sequence[str]) -> Evidence:
        """What the lines of a trace say of the states that agree, held against all of them."""

    def settling(self, problem: Problem[S, Q]) -> frozenset[str]:
        """The views that would settle a problem which is not decided, whatever they show; none where there are no views."""
        return frozenset()

    def further_views(self, problem: Problem[S, Q]) -> tuple[str, ...]:
        """The views that are neither shown nor asked; none where there are no views."""
        return ()

    def answer_of_scene(self, problem: Problem[S, Q]) -> Answer:
        """The answer of the scene that was drawn, which somebody would give who sees all of it."""
        return self.full.truth(self.scene(problem))

    # --- what follows from that

    def view_line(self, problem: Problem[S, Q]) -> str:
        """What is to be said of views before the answer: "View: top"; empty if nothing is."""
        if not self.asks_view or self.decided(problem) is not None:
            return ""
        return f"View: {min(self.settling(problem), default='none')}"

    def truth(self, problem: Problem[S, Q]) -> Answer:
        if self.shown(problem) != self.told(problem.query):
            raise ValueError(f"the start does not show {self.told(problem.query)!r}, but {self.shown(problem)!r}")
        answer = self.decided(problem)
        return UNDETERMINED if answer is None else answer

    def judge(self, problem: Problem[S, Q], answer: Answer) -> Outcome:
        asked, truth = self.answer(problem), self.truth(problem)
        correct = asked.same(answer, truth)
        if truth == UNDETERMINED:
            detail = "what is shown leaves several answers open"
        else:
            detail = f"every state that agrees with what is shown gives {asked.write(truth)}"
        return Outcome(correct, None if correct else "wrong", detail)

    @property
    def answers(self) -> tuple[AnswerKind, ...]:
        return tuple(OrUndetermined(kind) for kind in self.inner_answers())

    def inner_answers(self) -> tuple[AnswerKind, ...]:
        """The kinds of the answers that there are; those of the whole world by default."""
        return self.full.answers

    def pose(self, rng: Rng, difficulty: str) -> Problem[S, Q]:
        return self.pose_in(rng, difficulty, None)

    def draw(self, rng: Rng, difficulty: str) -> S:
        state: S = self.full.draw(rng, difficulty)
        return state

    def legal_actions(self, state: S) -> tuple[str, ...]:
        return self.full.legal_actions(state)

    def step(self, state: S, action: str) -> S:
        after: S = self.full.step(state, action)
        return after

    def write(self, state: S) -> str:
        return self.full.write(state)

    def read(self, text: str) -> S:
        state: S = self.full.read(text)
        return state

    def line(self, state: S) -> str:
        return self.full.line(state)

    def size(self, problem: Problem[S, Q]) -> int:
        return self.full.size(self.scene(problem))

    def solve(self, problem: Problem[S, Q]) -> tuple[str, ...]:
        return self.full.solve(self.scene(problem))

    def course(self, scene: Scene) -> tuple[S, tuple[str, ...]]:
        return self.full.course(self._whole_scene(scene))

    def keys(self, scene: Scene) -> Keys:
        """Those of the scene that was drawn; to the letter, what is shown and asked."""
        keys = self.full.keys(self._whole_scene(scene))
        return (
            keys
            if isinstance(scene, Walk)
            else keys._replace(exact=f"{self.told(scene.query)} | {self.asked(scene)}", states=())
        )

    def measure(self, scene: Scene) -> dict[str, int]:
        return self.full.measure(self._whole_scene(scene))

    def see(self, scene: Scene) -> str:
        return self.told(scene.query) if isinstance(scene, Problem) else self.full.see(self._whole_scene(scene))

    def wander(self, rng: Rng, difficulty: str) -> Walk[S]:
        """A walk shows all of its scene, so it is one of the world that does."""
        return self.full.wander(rng, difficulty)

    def _whole_scene(self, scene: Scene) -> Scene:
        return self.scene(scene) if isinstance(scene, Problem) else scene

    def part_side(self, problem: Problem[S, Q]) -> str:
        """The split that a hash of what is shown falls to.

        Two scenes may show the same part. A problem is posed only where this is the split of its scene, so that no part which
        is asked in an evaluation was shown in training, whatever scene it came from.
        """
        return side_of(f"{self.family}|{self.part_key(problem)}")

    def keeps_sides(self, problem: Problem[S, Q]) -> bool:
        """Whether the scene and what is shown of it are of one split."""
        return split_of(self, self.keys(problem)) == self.part_side(problem)
